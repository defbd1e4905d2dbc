// GGUF's numbers: value types of the metadata, and the tensor types that exist beside those that the engine reads.
import { TENSOR_TYPES, tensorTypeById, type TensorTypeName } from './tensor-types.ts';

/** Value types in the order of their numbers, with the least bytes of a value (a string: its length). */
export const MIN_VALUE_BYTES = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  bool: 1,
  string: 8,
  array: 12,
  u64: 8,
  i64: 8,
  f64: 8,
} as const;

export type GgufValueType = keyof typeof MIN_VALUE_BYTES;

export const GGUF_VALUE_TYPES = Object.keys(MIN_VALUE_BYTES) as readonly GgufValueType[];

/** Types to be listed where the engine has no entry of its own: number, name, block elements, block bytes. */
const LISTED_TYPES: ReadonlyMap<number, { name: string; blockElements: number; blockBytes: number }> = new Map(
  (
    [
      [9, 'q8_1', 32, 36],
      [10, 'q2_k', 256, 84],
      [11, 'q3_k', 256, 110],
      [15, 'q8_k', 256, 292],
      [16, 'iq2_xxs', 256, 66],
      [17, 'iq2_xs', 256, 74],
      [18, 'iq3_xxs', 256, 98],
      [19, 'iq1_s', 256, 50],
      [20, 'iq4_nl', 32, 18],
      [21, 'iq3_s', 256, 110],
      [22, 'iq2_s', 256, 82],
      [23, 'iq4_xs', 256, 136],
      [24, 'i8', 1, 1],
      [25, 'i16', 1, 2],
      [26, 'i32', 1, 4],
      [27, 'i64', 1, 8],
      [28, 'f64', 1, 8],
      [29, 'iq1_m', 256, 56],
      [34, 'tq1_0', 256, 54],
      [35, 'tq2_0', 256, 66],
      [39, 'mxfp4', 32, 17],
    ] as const
  ).map(([id, name, blockElements, blockBytes]) => [id, { name, blockElements, blockBytes }]),
);

export interface StoredType {
  /** The engine's name, or null for a type that it cannot dequantize. */
  type: TensorTypeName | null;
  /** A name to print, whatever the type: `q4_k`, `iq2_xs`, `ggml-99`. */
  label: string;
  /** null where even the block layout is unknown. */
  block: { elements: number; bytes: number } | null;
}

export function storedType(ggmlId: number): StoredType {
  const type = tensorTypeById(ggmlId);
  if (type !== undefined) {
    const { blockElements, blockBytes } = TENSOR_TYPES[type];
    return { type, label: type, block: { elements: blockElements, bytes: blockBytes } };
  }
  const listed = LISTED_TYPES.get(ggmlId);
  if (listed === undefined) return { type: null, label: `ggml-${ggmlId}`, block: null };
  return { type: null, label: listed.name, block: { elements: listed.blockElements, bytes: listed.blockBytes } };
}
