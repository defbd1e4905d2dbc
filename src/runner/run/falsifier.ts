// What a falsifier module exports and what the harness hands to it. Types only.
//
// A claim's bar (metric, comparator, threshold, unit, basis) stands in the contract, so that a diff shows when it is
// loosened; the falsifier only measures. Every case is one number in the bar's metric: a yes/no claim counts
// mismatches against the bar `<= 0`. A NaN is never within a bar.
import type { Arbitrary } from 'fast-check';
import type { Executor, ExecutorId, Model, ModelTransform, OpenOptions } from '../../engine/index.ts';
import type { Bar } from '../contract/bar.ts';
import type { ClaimExecutor } from '../contract/model.ts';
import type { PartName } from '../contract/part-names.ts';

/** Absent on a machine: the part is not-run, with this name as the reason. */
export type Need = 'model:sums-2m' | 'model:smollm2' | 'model:gemma3-270m' | 'oracle:llama.cpp';

export interface Part {
  needs?: readonly Need[];
  /** Cases that a complete run executes; a run that executes another number is not a pass. A GPU in software takes fewer. */
  planned: number | Readonly<Record<ClaimExecutor, number>>;
  run(context: PartContext): Promise<void>;
}

/** A falsified bar, a thrown error and a missing case each turn a part red; the fault must reach a red *bar*. */
export interface PlantedFault {
  /** A catalogue id (`R1`) or a name of its own (`aprt-count-off-by-one`). Unique within the claim. */
  id: string;
  /** What is broken, in one line. */
  title: string;
  /** `gross`: the known bug at full size. `small`: one site, one element, one bit. */
  size: 'gross' | 'small';
  /** The part that must turn red on it; `generated` when absent. */
  part?: PartName;
  inject: Injection;
}

/**
 * `source`: the named product file is loaded with `find` (which must occur exactly once) replaced; works for `.ts`
 * (while loading), for a kernel's `.as.ts` (recompiled) and for `.wgsl` (as it is read, in the GPU process too). `model`: config, program, weights or tokens are changed as
 * the model is opened. Both reach the product's own code, in this process and in every `apr`/`pv` it starts.
 */
export type Injection =
  | { kind: 'source'; file: string; find: string; replace: string }
  | { kind: 'model'; transform: ModelTransform };

export interface Falsifier {
  parts: { generated: Part; live?: Part; oracle?: Part };
  /** Those in the source of one executor (`src/engine/cpu`, `src/gpu`) are planted in runs on that one alone. */
  faults: readonly PlantedFault[];
  /**
   * What is planted in runs on WebGPU instead, from a module `x.webgpu.ts` that is imported here: receipts of other
   * executors do not hang on it.
   */
  faultsOnWebgpu?: () => Promise<readonly PlantedFault[]>;
}

export interface ProgramResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface PartContext {
  /** Printed, recorded, and the only source of randomness. */
  readonly seed: number;
  /** `planned` of the part, or less where a fault only has to be seen. */
  readonly planned: number;
  readonly bar: Bar;
  /** That this run is about. */
  readonly executor: ExecutorId;
  /** An empty folder that is removed afterwards. */
  readonly folder: string;
  /** Flags by which `apr` runs on the executor that this run is about: `--engine webgpu --adapter swiftshader`. */
  readonly engine: readonly string[];
  /** Records one executed case. `where` is what a person needs to find it again. */
  measure(value: number, where: string): void;
  /** Searches `count` inputs for one that breaks the bar, and shrinks it. Each input is one case. */
  search<Input>(
    arbitrary: Arbitrary<Input>,
    count: number,
    measure: (input: Input) => number | Promise<number>,
  ): Promise<void>;
  /** Adds to the digest of the outputs, by which machines are compared. */
  output(bytes: Uint8Array | string): void;
  /** A data file below the project root, read and pinned: the receipt goes stale when it changes. Absolute path. */
  data(relativePath: string): string;
  /** Path of a needed model; pins its sha256. */
  model(need: Extract<Need, `model:${string}`>, file?: string): string;
  /** Opens a model as the product does, with the planted fault (if any) in place. */
  openModel(path: string): Promise<Model>;
  /** Opens the executor that this run is about, once for each executor that the claim names. The caller closes it. */
  openExecutor(model: Pick<Model, 'program' | 'weights'>, options?: OpenOptions): Promise<Executor>;
  /** Records who the outside oracle is: name, version, digest of what it gave. */
  oracle(identity: { name: string; version: string; digest?: string }): void;
  /** Starts the real program as a user would; never throws on an exit code. */
  program(
    name: 'apr' | 'pv',
    argv: readonly string[],
    options?: { stdin?: string; cwd?: string },
  ): Promise<ProgramResult>;
}
