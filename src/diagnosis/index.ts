// What the command line, the runner and the falsifiers may import of diagnosis. Who compares and nothing else takes
// compare/index.ts; who asks other engines, parity/index.ts: that is not in here, because hardly any claim is about them.
export * from './compare/index.ts';
export { FAULTS, plant } from './faults/catalogue.ts';
export {
  BUG_CLASSES,
  type BugClass,
  type CataloguePlant,
  type Fault,
  type FaultInjection,
  type FaultVariant,
} from './faults/fault.ts';
export { checkModel, type CheckOptions, type CheckReport } from './check/check-model.ts';
export type { OpResult } from './check/judge.ts';
export type { Bracket, Coverage, VerdictWord } from './check/verdict.ts';
export type { Verification } from './check/verify-program.ts';
export { checkDump, type CheckDumpOptions } from './check/check-dump.ts';
export * from './recordings/index.ts';
