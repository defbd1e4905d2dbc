// The words of the ladder and the facts that the level function is given, with their orders. The rule is in
// derive-level.ts; evidence/ gathers the facts.
import { LEVELS, type Level } from '../contract/model.ts';

export { LEVELS, type Level };

export const VERDICTS = ['survived', 'falsified', 'flaky', 'not-run', 'error'] as const;
export type Verdict = (typeof VERDICTS)[number];

const WORST_FIRST: readonly Verdict[] = ['falsified', 'flaky', 'error', 'not-run', 'survived'];

/** What several verdicts come to; null for none. */
export function worstVerdict(verdicts: readonly Verdict[]): Verdict | null {
  return WORST_FIRST.find((verdict) => verdicts.includes(verdict)) ?? null;
}

/** `green`: the planted fault was in place and the falsifier did not notice. */
export type FaultVerdict = 'red' | 'green' | 'not-run' | 'error';

export interface PartFacts {
  verdict: Verdict;
  executed: number;
  planned: number;
}

export interface ConfirmationFacts {
  /** Which machine, as an opaque name; only equality matters. */
  machine: string;
  verdict: Verdict;
  outputsDigest: string;
}

/** What one receipt says, as far as the level depends on it. */
export interface ReceiptFacts {
  /** `cpu.x64.v8-13.6` */
  environmentClass: string;
  /** Whose required class it is: the executor; the class itself where no claim can require it (a real GPU). */
  executor: string;
  /** False: an input changed since. A stale receipt never counts. */
  isFresh: boolean;
  machine: string;
  outputsDigest: string;
  parts: { generated?: PartFacts; live?: PartFacts; oracle?: PartFacts };
  faults: readonly { id: string; verdict: FaultVerdict }[];
  confirmations: readonly ConfirmationFacts[];
}

/** What the contract says about the claim, as far as the level depends on it. */
export interface ClaimFacts {
  /** One class per executor is required: any machine's class of that executor will do. */
  executors: readonly string[];
  /** Faults that the contract promises; each must have been seen red (`promisedOn` says where). */
  faults: readonly string[];
  /** False: the contract says that no outside oracle can exist; then a second machine takes its place. */
  canHaveOracle: boolean;
}

/**
 * Of the faults that a contract promises, those for one executor: `webgpu:x` is for that one, and `D1` for every executor
 * that has none of its own.
 */
export function promisedOn(faults: readonly string[], executor: string): string[] {
  const prefix = `${executor}:`;
  const own = faults.filter((fault) => fault.startsWith(prefix)).map((fault) => fault.slice(prefix.length));
  return own.length > 0 ? own : faults.filter((fault) => !/^(cpu|webgpu):/.test(fault));
}

/** A contract in `depends_on`; null when there is no such contract or it has no claim. */
export interface DependencyFacts {
  stem: string;
  level: Level | null;
  /** What it would stand at if its stale receipts were fresh; absent: `level`. */
  word?: Level | null;
}

export type CauseCode =
  | 'no-required-class'
  | 'no-receipt'
  | 'stale'
  | 'falsified'
  | 'error'
  | 'flaky'
  | 'no-part'
  | 'not-run'
  | 'incomplete'
  | 'no-faults'
  | 'fault-unplanted'
  | 'fault-green'
  | 'fault-not-run'
  | 'fault-error'
  | 'class-missing'
  | 'unconfirmed'
  | 'disputed'
  | 'dependency';

/** One reason, as data; cause.ts words it. */
export interface Cause {
  code: CauseCode;
  /** Part, fault, class, machine or contract that it is about. */
  subject?: string;
  /** Environment class of the receipt that it was read from. */
  environmentClass?: string;
  detail?: string;
}

export interface Rung {
  level: Exclude<Level, 'NONE'>;
  isMet: boolean;
  /** Why not; empty when met. */
  missing: readonly Cause[];
}

export interface Cap {
  level: Level;
  cause: Cause;
}

export interface Derivation {
  /** What counts. */
  level: Level;
  /** What the same receipts would give if none were stale: the greyed word. */
  word: Level;
  isStale: boolean;
  /** Why the level is not the next higher one; null at DISCHARGED. */
  cause: Cause | null;
  /** PARTIAL, FUNCTIONAL, DISCHARGED, each judged before the caps. */
  rungs: readonly Rung[];
  caps: readonly Cap[];
}

export function levelRank(level: Level): number {
  return LEVELS.indexOf(level);
}

export function lowerLevel(a: Level, b: Level): Level {
  return levelRank(a) <= levelRank(b) ? a : b;
}
