// Stored bytes to the doubles that they mean, for every tensor type. The oracle's own: neither tables nor arithmetic of
// the engine are in here. Source of the layouts: the GGUF specification and ggml's block structs.
//
// Every product below has at most 23 significant bits and every sum spans at most 51, so the double is exact. What
// ggml and the engine decode to is its float32: the same number for f32, f16, bf16, q4_0, q5_0, q8_0 and q6_k, and one
// rounding away (at most half a unit in the last place, of the result) for q4_1, q5_1, q4_k and q5_k, where a minimum
// is added. No type rounds twice. A budget for an engine that multiplies float32 weights must allow for that rounding.
import { RefuteError } from '../../../errors.ts';
import type { TensorTypeName } from '../../../engine/formats/tensor-types.ts';
import { bf16 } from './bf16.ts';
import type { BlockFormat } from './block-format.ts';
import { f16 } from './f16.ts';
import { f32 } from './f32.ts';
import { q4_0 } from './q4_0.ts';
import { q4_1 } from './q4_1.ts';
import { q4_k } from './q4_k.ts';
import { q5_0 } from './q5_0.ts';
import { q5_1 } from './q5_1.ts';
import { q5_k } from './q5_k.ts';
import { q6_k } from './q6_k.ts';
import { q8_0 } from './q8_0.ts';

export const BLOCK_FORMATS: Readonly<Record<TensorTypeName, BlockFormat>> = {
  f32,
  f16,
  bf16,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q4_k,
  q5_k,
  q6_k,
};

/** The exact values of whole blocks. @throws RefuteError E_PARTIAL_BLOCK */
export function decodeExact(type: TensorTypeName, bytes: Uint8Array): Float64Array {
  const { blockElements, blockBytes, decodeBlock } = BLOCK_FORMATS[type];
  if (bytes.byteLength % blockBytes !== 0) {
    throw new RefuteError({
      code: 'E_PARTIAL_BLOCK',
      place: `${type} data`,
      is: `${bytes.byteLength} bytes are not a number of whole blocks`,
      allowed: `a block has ${blockBytes} bytes`,
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blockCount = bytes.byteLength / blockBytes;
  const out = new Float64Array(blockCount * blockElements);
  for (let block = 0; block < blockCount; block += 1) {
    decodeBlock(view, block * blockBytes, out, block * blockElements);
  }
  return out;
}
