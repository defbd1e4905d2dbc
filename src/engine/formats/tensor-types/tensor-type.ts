// What a file in this folder says of one tensor type: facts of the format, from the GGUF specification and ggml's
// block structs. Not in here: how blocks become floats (cpu/kernels/matmul-<type>.as.ts, and the oracle's own
// decoder).
import { RefuteError } from '../../../errors.ts';

export interface TensorType {
  /** As `TensorTypeName` has it. */
  label: string;
  /** GGUF's number for the type. */
  ggmlId: number;
  blockElements: number;
  blockBytes: number;
  /** Byte offsets of the float16 fields (scales and minima) in a block; for f16 the value itself. */
  halves: readonly number[];
  /** Whether float32 holds every value. Where not, a minimum is added, and the float32 is one rounding away. */
  isExact: boolean;
  /** What llama.cpp turns activations into before it multiplies weights of the type with them; null: nothing. */
  activationPartner: 'f16' | 'bf16' | 'q8_0' | 'q8_1' | 'q8_k' | null;
}

export type BlockSizes = Pick<TensorType, 'label' | 'blockElements' | 'blockBytes'>;

/** How many blocks `byteLength` bytes are. @throws RefuteError E_PARTIAL_BLOCK where they are not whole ones */
export function blockCountOf({ label, blockBytes }: BlockSizes, byteLength: number): number {
  if (byteLength % blockBytes === 0) return byteLength / blockBytes;
  const is = `${byteLength} bytes are not a number of whole blocks`;
  const allowed = `a block has ${blockBytes} bytes`;
  throw new RefuteError({ code: 'E_PARTIAL_BLOCK', place: `${label} data`, is, allowed });
}
