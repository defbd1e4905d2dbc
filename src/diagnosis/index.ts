// What the command line and the runner may import of diagnosis; falsifiers and tests import the module that they mean.
// Code that only compares imports compare/index.ts, code that asks other engines parity/index.ts: hardly any claim is
// about them.
export * from './compare/index.ts';
export { checkModel, type CheckOptions, type CheckReport } from './check/check-model.ts';
export type { OpResult } from './check/judge.ts';
export { rhoByOp, type OpKindRho } from './check/rho-by-op.ts';
export type { VerdictWord } from './check/verdict.ts';
export { checkDump } from './check/check-dump.ts';
export { readFormats } from './reference/profiles.ts';
export { judgementOf } from './ops/judgements.ts';
export * from './recordings/index.ts';
