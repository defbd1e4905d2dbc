// The tensor types that GGUF files store and the sizes of their blocks. Facts only; decoding is in the kernels.

export type TensorTypeName =
  | 'f32'
  | 'f16'
  | 'bf16'
  | 'q4_0'
  | 'q4_1'
  | 'q5_0'
  | 'q5_1'
  | 'q8_0'
  | 'q4_k'
  | 'q5_k'
  | 'q6_k';

export interface TensorType {
  /** GGUF's number for the type. */
  ggmlId: number;
  blockElements: number;
  blockBytes: number;
}

/** Layouts are drawn in the kernel of the same stem. Source: the GGUF specification and llama.cpp's block structs. */
export const TENSOR_TYPES: Readonly<Record<TensorTypeName, TensorType>> = {
  f32: { ggmlId: 0, blockElements: 1, blockBytes: 4 },
  f16: { ggmlId: 1, blockElements: 1, blockBytes: 2 },
  q4_0: { ggmlId: 2, blockElements: 32, blockBytes: 18 },
  q4_1: { ggmlId: 3, blockElements: 32, blockBytes: 20 },
  q5_0: { ggmlId: 6, blockElements: 32, blockBytes: 22 },
  q5_1: { ggmlId: 7, blockElements: 32, blockBytes: 24 },
  q8_0: { ggmlId: 8, blockElements: 32, blockBytes: 34 },
  q4_k: { ggmlId: 12, blockElements: 256, blockBytes: 144 },
  q5_k: { ggmlId: 13, blockElements: 256, blockBytes: 176 },
  q6_k: { ggmlId: 14, blockElements: 256, blockBytes: 210 },
  bf16: { ggmlId: 30, blockElements: 1, blockBytes: 2 },
};

const byId: ReadonlyMap<number, TensorTypeName> = new Map(
  (Object.keys(TENSOR_TYPES) as TensorTypeName[]).map((name) => [TENSOR_TYPES[name].ggmlId, name]),
);

/** The type with GGUF's number, or undefined for one that this engine cannot decode. */
export function tensorTypeById(ggmlId: number): TensorTypeName | undefined {
  return byId.get(ggmlId);
}

export function elementCountOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** Bytes of `elementCount` elements; the caller has made sure that they fill whole blocks. */
export function byteLengthOf(type: TensorTypeName, elementCount: number): number {
  const { blockElements, blockBytes } = TENSOR_TYPES[type];
  return (elementCount / blockElements) * blockBytes;
}
