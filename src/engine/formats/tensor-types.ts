// The tensor types that the engine reads, by name. tensor-types/<name>.ts says what each is, its kernel decodes it.
import * as byName from './tensor-types/by-name.ts';
import type { TensorType } from './tensor-types/tensor-type.ts';

export type { TensorType };
export type TensorTypeName = keyof typeof byName;

export const TENSOR_TYPES: Readonly<Record<TensorTypeName, TensorType>> = byName;

const byId: ReadonlyMap<number, TensorTypeName> = new Map(
  (Object.keys(TENSOR_TYPES) as TensorTypeName[]).map((name) => [TENSOR_TYPES[name].ggmlId, name]),
);

/** The type with GGUF's number, or undefined for one that this engine cannot dequantize. */
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
