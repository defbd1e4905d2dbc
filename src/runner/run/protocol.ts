// What the harness and the child process that runs one part say to each other (IPC, structured clone: NaN, -0 and
// typed arrays survive). Types, but for the one empty record.
import type { ExecutorId } from '../../engine/index.ts';
import type { Bar } from '../contract/bar.ts';
import type { Need, Part } from './falsifier.ts';
import type { PartName } from '../contract/part-names.ts';
import type { ProductName } from '../sources/entries.ts';
import type { EncodedValue } from './encode-value.ts';

/** Where a falsifier stands: its module and its key there. */
export interface FalsifierAddress {
  /** Absolute path of the module. */
  module: string;
  claim: string;
}

/** Asks what a falsifier module holds, without running anything of it. Sent once, right after the start. */
export interface DescribeRequest {
  type: 'describe';
  module: string;
}

/** Asks for one part to be run. Sent once, right after the start. */
export interface PartRequest {
  type: 'part';
  address: FalsifierAddress;
  part: PartName;
  executor: ExecutorId;
  /** Part of the name of the GPU adapter to run on; absent for an executor that runs on none. */
  adapter?: string;
  seed: number;
  bar: Bar;
  root: string;
  folder: string;
  /** Absent: the part's own `planned`. */
  planned?: number;
  /** Stop at the first case beyond the bar and shrink nothing: a planted fault only has to be seen. */
  stopAtFirst: boolean;
  /** Stored counterexamples that the searches try before anything generated. */
  replays: readonly StoredCase[];
  /** True: run the stored cases and skip the rest of every search. */
  replayOnly: boolean;
  /** A file that takes the place of every model that the part asks for. */
  modelOverride?: string;
}

/** A case that a search can be sent back to: by value, or by fast-check's path where the value is not data. */
export interface StoredCase {
  search: number;
  seed: number;
  path: string;
  value: EncodedValue | null;
}

export interface Measured {
  value: number;
  where: string;
}

/** The first case beyond the bar (`measure`), or the shrunk one (`search`). */
export type Failure =
  | ({ kind: 'measure' } & Measured)
  | ({ kind: 'search'; input: string; shrinks: number; stored: StoredCase } & Measured);

/** What a run touched beyond its imports: the receipt pins it. Paths are relative to the root, with `/`. */
export interface TouchedInputs {
  data: string[];
  models: string[];
  /** With the subcommand: `apr diff`. */
  programs: string[];
  /** What the harness opened for it; absent where it opened nothing. */
  product?: ProductName[];
  /** Shader files that it read; absent: none, or not known which (then it may be any). */
  shaders?: string[];
  /** Packages that do the outside oracle's work. */
  packages: string[];
  oracles: { name: string; version: string; digest?: string }[];
}

export const NOTHING_TOUCHED: TouchedInputs = { data: [], models: [], programs: [], packages: [], oracles: [] };

export interface PartReport {
  planned: number;
  executed: number;
  /** Inputs that preconditions rejected. */
  discarded: number;
  worst: Measured | null;
  failure: Failure | null;
  /** Something that is not a bar: the product or the falsifier threw. */
  thrown: { message: string; where: string | null } | null;
  /** Searches whose preconditions rejected every input, or too many of them. */
  starvedSearches: number;
  replayed: number;
  outputsDigest: string;
  /** That the part ran on; absent on the CPU. */
  adapter?: string;
  touched: TouchedInputs;
}

/** A planted fault as far as it can travel between processes: a transform stays in its module. */
export interface FaultDescription {
  id: string;
  title: string;
  size: 'gross' | 'small';
  part: PartName;
  /** Whose source it changes; absent: what every executor runs, or none. */
  executor?: ExecutorId;
  inject: { kind: 'source'; file: string; find: string; replace: string } | { kind: 'model' };
}

export interface FalsifierDescription {
  parts: Partial<Record<PartName, Pick<Part, 'planned'> & { needs: readonly Need[] }>>;
  faults: FaultDescription[];
}

/** Claim id -> what its falsifier has. */
export type ModuleDescription = Record<string, FalsifierDescription>;

export type ChildMessage =
  | { type: 'ready' }
  | { type: 'description'; description: ModuleDescription }
  | { type: 'absent'; need: Need; why: string }
  | { type: 'executor-absent'; why: string }
  | { type: 'progress'; executed: number; planned: number }
  | { type: 'report'; report: PartReport }
  /** The falsifier module itself is not usable. */
  | { type: 'unusable'; message: string };
