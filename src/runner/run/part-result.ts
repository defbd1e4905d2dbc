// From what a part's child reported to a verdict. Pure; describe-reason.ts has the words of the reasons.
import type { ExecutorId } from '../../engine/index.ts';
import type { Need } from './falsifier.ts';
import type { PartName } from '../contract/part-names.ts';
import { worstVerdict, type Verdict } from '../level/types.ts';
import { isOnExecutor } from '../sources/entries.ts';
import type { PartReport } from './protocol.ts';

/** Why a verdict is what it is, as data. */
export type Reason =
  | { code: 'within-bar' }
  | { code: 'beyond-bar' }
  | { code: 'repeat-disagrees'; verdicts: Verdict[] }
  | { code: 'outputs-differ'; runs: number }
  | { code: 'need-absent'; need: Need; why: string }
  | { code: 'executor-absent'; executor: string; why: string }
  | { code: 'executor-unused'; executor: string }
  | { code: 'nothing-executed' }
  | { code: 'starved'; searches: number; discarded: number }
  | { code: 'incomplete' }
  | { code: 'too-many' }
  | { code: 'threw'; message: string; where: string | null }
  | { code: 'crash'; detail: string }
  | { code: 'out-of-memory'; detail: string }
  | { code: 'time-limit'; limitMs: number }
  | { code: 'unusable'; message: string };

/** The outcome of one part of one claim. `report` is absent where the child never got that far. */
export interface PartResult {
  part: PartName;
  verdict: Verdict;
  reason: Reason;
  executed: number;
  planned: number;
  durationMs: number;
  report?: PartReport;
}

/** Order matters: a bar that was broken stays broken whatever came after; nothing executed is never a pass. */
export function judgeReport(report: PartReport, executor: ExecutorId = 'cpu'): { verdict: Verdict; reason: Reason } {
  const { executed, planned, failure, thrown, starvedSearches, discarded } = report;
  if (failure !== null) return { verdict: 'falsified', reason: { code: 'beyond-bar' } };
  if (thrown !== null) return { verdict: 'error', reason: { code: 'threw', ...thrown } };
  if (starvedSearches > 0) {
    return { verdict: 'not-run', reason: { code: 'starved', searches: starvedSearches, discarded } };
  }
  if (!(planned > 0) || executed === 0) return { verdict: 'not-run', reason: { code: 'nothing-executed' } };
  if (executed < planned) return { verdict: 'not-run', reason: { code: 'incomplete' } };
  // More cases than promised: the falsifier does not know what it runs, so its count proves nothing.
  if (executed > planned) return { verdict: 'error', reason: { code: 'too-many' } };
  // The CPU's kernels are also called one by one; of any other executor only an open one has computed something.
  const { product, programs } = report.touched;
  const isUsed = product?.includes(`executor:${executor}`) || programs.some((text) => isOnExecutor(text, executor));
  if (executor !== 'cpu' && isUsed !== true) {
    return { verdict: 'not-run', reason: { code: 'executor-unused', executor } };
  }
  return { verdict: 'survived', reason: { code: 'within-bar' } };
}

/** Worst first: what the whole claim came to. */
export function overallVerdict(parts: readonly PartResult[]): Verdict {
  return worstVerdict(parts.map(({ verdict }) => verdict)) ?? 'not-run';
}
