// The runner's public face: what cli/ may import. Contracts are read in contract/, everything about evidence is beside.
export * from './contract/index.ts';
export type { PartName } from './falsifier.ts';
export { openProject, runnableClaims, selectClaims, type Project } from './project.ts';
export { withoutFreshReceipt } from './evidence/select.ts';
export { exitCodeOf, falsifyJson, outcomeLines, summaryLine, updateLines } from './report/outcome.ts';
export { seconds, VERDICT_SYMBOLS } from './report/text.ts';
export { falsify, type ClaimOutcome, type FalsifyResult } from './run/falsify.ts';
export { replay } from './run/replay.ts';
