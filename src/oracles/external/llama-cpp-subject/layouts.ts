// How llama.cpp lays its structs out, per build: byte offsets, read off the library and tried. C has no names at run
// time, and these structs change from one release to the next, so a build that is not in this table is not driven.
// Little-endian, 64 bits. Only numbers; who reads and writes by them is in native.ts and tensor.ts.

export interface Layout {
  /** What the library says of itself (`ggml_commit`). */
  commit: string;
  /** Every 32-bit word of llama_model_default_params. Held against the library before anything is written. */
  modelDefaults: readonly number[];
  model: {
    /** Pointer to a list of `kvOverride`, ended by one with an empty key. */
    kvOverrides: number;
  };
  kvOverride: { byteLength: number; tag: number; key: number; value: number; integerTag: number; textTag: number };
  /** Every 32-bit word of llama_context_default_params, likewise. */
  contextDefaults: readonly number[];
  context: {
    contextLength: number;
    batchPositions: number;
    microBatchPositions: number;
    /** Rows of logits at once; more than these abort the process. */
    outputRows: number;
    threads: number;
    batchThreads: number;
    /** −1 auto, 0 off, 1 on. */
    flashAttention: number;
    evalCallback: number;
    keyType: number;
    valueType: number;
  };
  /** `ggml_tensor_overhead()`: of another size is another struct. */
  tensorOverhead: number;
  tensor: {
    byteLength: number;
    type: number;
    /** Four 64-bit extents, the fastest first. */
    extents: number;
    /** Four 64-bit distances in bytes. */
    strides: number;
    op: number;
    /** Pointers to what it is computed from, null where there are fewer. */
    sources: number;
    sourceCount: number;
    viewOf: number;
    /** In bytes from the start of what it is a view of. */
    viewOffset: number;
    name: number;
    nameByteLength: number;
  };
}

/** The bits of −1 as a float32. */
const MINUS_ONE_F32 = -1_082_130_432;

/** llama.cpp v0.5.0 as node-llama-cpp 3.22 has it. */
const V0_5_0: Layout = {
  commit: '0ad4a86',
  modelDefaults: [0, 0, 0, 0, -1, 1, -1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x1_00_00, 0],
  model: { kvOverrides: 64 },
  kvOverride: { byteLength: 264, tag: 0, key: 4, value: 136, integerTag: 0, textTag: 3 },
  contextDefaults: [
    [512, 2048, 512, 1, 0, 0, 1, 4, 4, 0, -1, -1, -1, -1, 0, 0],
    [MINUS_ONE_F32, MINUS_ONE_F32, MINUS_ONE_F32, MINUS_ONE_F32, 0, MINUS_ONE_F32],
    [0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0x1_01_01_00, 1, 0, 0, 0, 0, 0, 0],
  ].flat(),
  context: {
    contextLength: 0,
    batchPositions: 4,
    microBatchPositions: 8,
    outputRows: 20,
    threads: 28,
    batchThreads: 32,
    flashAttention: 52,
    evalCallback: 88,
    keyType: 104,
    valueType: 108,
  },
  tensorOverhead: 368,
  tensor: {
    byteLength: 320,
    type: 0,
    extents: 16,
    strides: 48,
    op: 80,
    sources: 152,
    sourceCount: 10,
    viewOf: 232,
    viewOffset: 240,
    name: 256,
    nameByteLength: 64,
  },
};

export const LAYOUTS: readonly Layout[] = [V0_5_0];

/** What a library says of itself: its structs may be longer than those that are known, and go on with anything. */
type Said = Pick<Layout, 'commit' | 'tensorOverhead' | 'modelDefaults' | 'contextDefaults'>;

/** null: not known, or known by its name alone. */
export function layoutOf(said: Said, known: readonly Layout[] = LAYOUTS): Layout | null {
  const beginsWith = (words: readonly number[], wanted: readonly number[]): boolean =>
    wanted.every((word, i) => words[i] === word);
  const fits = (layout: Layout): boolean =>
    layout.commit === said.commit &&
    layout.tensorOverhead === said.tensorOverhead &&
    beginsWith(said.modelDefaults, layout.modelDefaults) &&
    beginsWith(said.contextDefaults, layout.contextDefaults);
  return known.find(fits) ?? null;
}
