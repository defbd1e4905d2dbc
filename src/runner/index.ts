// The runner's public face, for code that runs or judges claims. Code that only reads contracts imports
// contract/index.ts, so that it does not load all of this.
export type { PartName } from './contract/part-names.ts';
export { openProject, runnableClaims, selectClaims, type Project } from './contract/project.ts';
export { impactOf, impactOfAll, type Impact } from './evidence/impact.ts';
export { impactJson, impactLines, impactRows, impactTableJson, middleLine } from './report/impact-text.ts';
export { assessProject, type Assessment, type ClaimStatus } from './evidence/assess.ts';
export { runGate, type GateReport } from './evidence/gate.ts';
export { evidenceLevels } from './evidence/level-source.ts';
export { claimFolder, FINDINGS_FILE } from './evidence/paths.ts';
export { withoutFreshReceipt } from './evidence/select.ts';
export { receiptsOfClaim } from './evidence/store.ts';
export { gateHeadline, gateJson, gateLines, gateRows } from './report/gate-text.ts';
export { exitCodeOf, falsifyJson, outcomeLines, summaryLine, updateLines } from './report/outcome.ts';
export { receiptRows, verifyReport } from './report/receipts.ts';
export { countsLine, refusalLines, statusCounts, statusJson, statusRow } from './report/status.ts';
export { whyJson, whyLines, type StatusRow } from './report/status.ts';
export { seconds, VERDICT_SYMBOLS } from './report/text.ts';
export type { ClaimOutcome, FalsifyResult } from './evidence/claim-outcome.ts';
export { jobsOf } from './run/run-claim.ts';
export { falsify } from './falsify.ts';
export { replay } from './replay.ts';
