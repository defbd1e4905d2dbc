// What a run of claims comes to, as the reports are told it. Types only.
import type { ExecutorId } from '../../engine/index.ts';
import type { RefuteError } from '../../errors.ts';
import type { Claim } from '../contract/model.ts';
import type { LevelChange } from '../level/level-change.ts';
import type { Verdict } from '../level/types.ts';
import type { ClaimRun } from '../run/run-claim.ts';
import type { Assessment } from './assess.ts';
import type { Receipt } from './receipt.ts';

/** The outcome of one claim on one executor. `run` is null where nothing could be run; then `error` says why. */
export interface ClaimOutcome {
  claim: Claim;
  executor: ExecutorId;
  verdict: Verdict;
  run: ClaimRun | null;
  written: WrittenRun | null;
  error: RefuteError | null;
}

export interface WrittenRun {
  path: string;
  receipt: Receipt;
  isUnchanged: boolean;
}

export interface FalsifyResult {
  outcomes: ClaimOutcome[];
  /** null after a dry run. */
  assessment: Assessment | null;
  /** Per contract whose text changed: path and levels. */
  updates: { path: string; changes: LevelChange[] }[];
}
