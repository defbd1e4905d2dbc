// A tensor as the header of a file lists it, whatever the format. Types only.
import type { TensorTypeName } from './tensor-types.ts';

export interface HeaderTensor {
  name: string;
  /** null: a type that the engine cannot decode; an error only once the tensor is wanted. */
  type: TensorTypeName | null;
  /** A name to print, whatever the type: `q4_k`, `i64`, or the file's own word. */
  typeLabel: string;
  /** Row-major: [rows, columns], columns contiguous; [] for a single number. GGUF lists the reverse. */
  shape: readonly number[];
  elementCount: number;
  /** From the start of its file. */
  byteOffset: number;
  /** null where even the block layout of the type is unknown. */
  byteLength: number | null;
}
