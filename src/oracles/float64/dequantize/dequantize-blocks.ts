// Runs one type's decoder over whole blocks. Names and sizes are the format's, shared with the engine; what the bytes
// are worth is the oracle's own.
import { blockCountOf, type BlockSizes } from '../../../engine/formats/tensor-types/tensor-type.ts';

/** Writes the exact values of the block at `at` to out[first…first + blockElements). */
export type BlockDequantizer = (bytes: DataView, at: number, out: Float64Array, first: number) => void;

/** @param into absent: a new array @throws RefuteError E_PARTIAL_BLOCK */
export function dequantizeBlocks(
  type: BlockSizes,
  dequantizeBlock: BlockDequantizer,
  bytes: Uint8Array,
  into?: Float64Array,
): Float64Array {
  const { blockElements, blockBytes } = type;
  const blockCount = blockCountOf(type, bytes.byteLength);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = into ?? new Float64Array(blockCount * blockElements);
  for (let block = 0; block < blockCount; block += 1) {
    dequantizeBlock(view, block * blockBytes, out, block * blockElements);
  }
  return out;
}
