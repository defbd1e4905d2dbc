// The runner's public face: what cli/ may import. Contracts are read in contract/, everything about evidence is beside.
export * from './contract/index.ts';
export { claimsOf, isRunnable, openProject, selectClaims, type Project } from './project.ts';
export { detailLines, faultsText, figureText, overallVerdict, partText, VERDICT_SYMBOLS } from './report/text.ts';
export { moduleDescriber, runClaim, type ClaimRun } from './run/run-claim.ts';
