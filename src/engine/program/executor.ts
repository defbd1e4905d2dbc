// The seam between a Program and whatever runs it. Asynchronous and per program, never per op, so that a GPU and a
// thread pool fit behind it unchanged. Types, and the names of the executors.
import type { CacheFormat, InferredPart, NumericProfile } from './numeric-profile.ts';
import type { Program, ValueId, WeightName } from './program.ts';
import type { TensorTypeName } from '../formats/tensor-types.ts';

export const EXECUTOR_IDS = ['cpu', 'webgpu', 'float64', 'llama.cpp'] as const;
export type ExecutorId = (typeof EXECUTOR_IDS)[number];

/**
 * How an executor hands out numbers: float32, and doubles from the float64 executor. It is the `Data` of every type
 * below, which defaults to float32; `Executor<FloatArray>` is an executor of either kind.
 */
export type FloatArray = Float32Array | Float64Array;

/** Weights by name, as stored. Reading never decodes. */
export interface WeightSource {
  info(name: WeightName): WeightInfo | undefined;
  /** Reads `into.byteLength` bytes from `byteOffset` of the tensor. */
  read(name: WeightName, byteOffset: number, into: Uint8Array): Promise<void>;
}

export interface WeightInfo {
  name: WeightName;
  type: TensorTypeName;
  /** Row-major: [rows, columns] or [columns]. */
  shape: readonly number[];
  byteLength: number;
}

export interface Tap<Data extends FloatArray = Float32Array> {
  values: ReadonlySet<ValueId>;
  /**
   * Called in program order, once per value and chunk of positions. `data` is [positions of the chunk, channels], a
   * copy that the receiver may keep. A returned promise is awaited before the run goes on, so a slow reader holds the
   * run.
   */
  onValue(value: ValueId, data: Data, firstPosition: number): void | Promise<void>;
}

export interface RunRequest<Data extends FloatArray = Float32Array> {
  /** Appended at the session's present position; at least one. */
  tokens: readonly number[];
  /** Which rows of the logits come back. `none` skips the head unless it is tapped. */
  logits: 'all' | 'last' | 'none';
  tap?: Tap<Data>;
  /** Once aborted, the run rejects with its reason within a step, and the session holds what it held before. */
  signal?: AbortSignal | undefined;
}

export interface RunResult<Data extends FloatArray = Float32Array> {
  /** Position of the first token of this run. */
  firstPosition: number;
  /** [rows asked for, vocabSize]. */
  logits: Data;
}

/** The likeliest next token, with what tells whether its logits say anything. */
export interface GreedyResult {
  /** Of the first token of this run. */
  firstPosition: number;
  /** Of equally likely ones the lowest id; null where some logits are no finite numbers: `run` gives them as they are. */
  id: number | null;
  /** Logits of the likeliest and of the least likely token. */
  greatest: number;
  least: number;
}

/** What one run asked of a GPU. */
export interface StepUsage {
  dispatches: number;
  submits: number;
  /** In one layer, the most of all layers, for a single position. */
  mostPerLayer: number;
}

/** What computes, so that a verdict about it can be kept: another one is another engine. */
export interface EngineIdentity {
  adapter: string;
  /** As the adapter describes its driver, and which implementation of the interface runs on it. */
  driver: string;
  /** SHA-256 of the kernels and of what dispatches them. */
  sourceDigest: string;
}

/** One sequence with its KV cache. Runs do not overlap: a second `run` before the first settles is refused. */
export interface Session<Data extends FloatArray = Float32Array> {
  readonly positionCount: number;
  /**
   * The first norm so far whose squares may have left their range: it made zeros of a row that has others, or NaN, or its
   * eps is too small to hide squares that vanish. null: none; absent: this executor does not look.
   */
  readonly suspect?: ValueId | null;
  /** What the last run cost; absent: before a run, or this executor has no dispatches. */
  readonly usage?: StepUsage | undefined;
  run(request: RunRequest<Data>): Promise<RunResult<Data>>;
  /**
   * As `run`, with the likeliest next token chosen where the logits are made, so that they need not come back. Absent: this
   * executor gives logits only.
   */
  runGreedy?(request: Omit<RunRequest<Data>, 'logits'>): Promise<GreedyResult>;
  /** Forgets every position from `positionCount` on. */
  truncate(positionCount: number): void;
  close(): void;
}

export interface Executor<Data extends FloatArray = Float32Array> {
  readonly id: ExecutorId;
  /** The GPU adapter by name; null on the CPU. */
  readonly adapter: string | null;
  readonly program: Program;
  readonly profile: NumericProfile;
  /** Parts of the profile that are not known of somebody else's engine; absent: none. */
  readonly undeclared?: readonly InferredPart[];
  /** Values of the program that it cannot show; absent: it shows them all. */
  readonly hidden?: ReadonlySet<ValueId>;
  /** Of what somebody else's engine is made of. */
  readonly versions?: Readonly<Record<string, string>>;
  /** Known once a session has been opened, for kernels are compiled then; absent: nothing is kept about this executor. */
  identity?(): Promise<EngineIdentity>;
  /** @param contextLength positions the KV cache must hold; at most the program's own. */
  openSession(contextLength: number): Promise<Session<Data>>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /**
   * Positions that a run takes at a time; the executor's own choice unless given. Changes no bit where the profile says
   * that batching is bitwise.
   */
  chunkPositions?: number;
  /** For one that runs on a GPU: a part of the adapter's name; a real one unless given. */
  adapter?: string;
  /** Gives up the opening, of sessions too, where an executor may take long over it. */
  signal?: AbortSignal | undefined;
  /**
   * For one that runs on a GPU: each kernel's outputs begin as NaN and are followed by words that must not change, so that it
   * cannot read what nobody wrote, or write too far, unseen. Slower; changes no bit of a healthy engine.
   */
  isChecked?: boolean;
  /** For an executor that is somebody else's engine: it runs files, and has options of its own. */
  subject?: SubjectOptions;
}

/** As the engine itself has them unless given. */
export interface SubjectOptions {
  modelPath: string;
  /** Which of its builds. */
  variant?: string;
  flashAttention?: 'on' | 'off' | 'auto';
  threads?: number;
  kvCache?: Exclude<CacheFormat, 'f64'>;
}

/** Opens an executor on a program: reads the weights, allocates memory, warms nothing up. */
export type OpenExecutor<Data extends FloatArray = Float32Array> = (
  program: Program,
  weights: WeightSource,
  options?: OpenOptions,
) => Promise<Executor<Data>>;

/** An executor that may or may not be there: src/executors.ts lists them all. */
export interface ExecutorProvider<Data extends FloatArray = FloatArray> {
  readonly id: ExecutorId;
  /** Why it cannot run here, where that shows without starting anything; null: it may. Absent: always null. */
  ruledOut?(): Promise<string | null>;
  /** Opens nothing. @returns the adapter that it would run on (null on the CPU), or why it cannot run here */
  probe(adapter?: string): Promise<{ adapter: string | null } | { absent: string }>;
  open: OpenExecutor<Data>;
  /**
   * Holds what opening one executor after the other would start anew, for a GPU a process with its adapter; absent: there
   * is nothing to hold. Closing it ends the executors that were opened on it.
   */
  connect?(adapter?: string): Promise<Connection<Data> | { absent: string }>;
}

export interface Connection<Data extends FloatArray = FloatArray> {
  adapter: string;
  open: OpenExecutor<Data>;
  close(): void;
}
