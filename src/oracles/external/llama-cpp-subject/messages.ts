// What parent and child tell each other. Requests go as lines of JSON to the child's stdin; answers come back as frames
// (frames.ts) on a descriptor of their own, because whatever llama.cpp prints goes to stdout and stderr.
import type { CacheFormat } from '../../../engine/program/numeric-profile.ts';
import type { ValueId } from '../../../engine/program/program.ts';
import type { ProgramInGraph } from './graph-forms.ts';
import type { PackageBuild } from './package-build.ts';

export interface OpenRequest extends ProgramInGraph {
  type: 'open';
  build: PackageBuild;
  /** null: the best that runs here. */
  variant: string | null;
  modelPath: string;
  architecture: string;
  vocabSize: number;
  flashAttention: 'on' | 'off' | 'auto';
  kvCache: Exclude<CacheFormat, 'f64'>;
  threads: number;
}

export interface SessionRequest {
  type: 'session';
  session: number;
  contextLength: number;
  /** Positions of a run at most. */
  chunkPositions: number;
}

export interface RunRequest {
  type: 'run';
  session: number;
  /** Whatever the session holds from here on is forgotten first. */
  firstPosition: number;
  tokens: readonly number[];
  logits: 'all' | 'last' | 'none';
  values: readonly ValueId[];
}

/** How long all `tokens` take in one run, and each of `decoded` after them, in a context in which nothing is watched. */
export interface TimeRequest {
  type: 'time';
  tokens: readonly number[];
  decoded: readonly number[];
}

export type Request =
  | OpenRequest
  | SessionRequest
  | RunRequest
  | TimeRequest
  | { type: 'end-session'; session: number };

export type Answer =
  | {
      type: 'opened';
      variant: string;
      commit: string;
      usesFlashAttention: boolean;
      /** Turned by a Hadamard matrix, as it does with quantised ones: queries, keys and values are, and the sum is turned back. */
      turnsCache: boolean;
      /** What its graph of one token has. */
      shown: readonly ValueId[];
    }
  /** With its rows as float32. */
  | { type: 'value'; value: ValueId }
  /** The last one to a request; to a run, with the logits as float32, to a timing with milliseconds. */
  | { type: 'done' }
  /** The last one at all: the child ends. */
  | { type: 'failed'; failure: Failure };

/** Why it cannot go on. */
export type Failure =
  | { why: 'build'; is: string; allowed: string }
  | { why: 'variant'; is: string; runnable: readonly string[] }
  | { why: 'model' | 'run'; is: string };
