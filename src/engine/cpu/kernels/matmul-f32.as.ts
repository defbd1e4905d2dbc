// Matrix product with weights in f32: 1 element in 4 bytes, IEEE 754 binary32, little endian. Decoding copies.
import { multiply, RowDecoder, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class F32Decoder extends RowDecoder {
  blockColumns(): i32 { return 1; }
  blockBytes(): i32 { return 4; }

  decode(blocks: usize, out: usize, blockCount: i32): void {
    const end = out + (<usize>blockCount << 2);
    for (; out + 16 <= end; out += 16, blocks += 16) v128.store(out, v128.load(blocks));
    for (; out < end; out += 4, blocks += 4) store<u32>(out, load<u32>(blocks));
  }
}

/** Writes blockCount · 1 f32: the decoder that `matmul` uses. */
export function decode(blocks: usize, out: usize, blockCount: i32): void {
  changetype<F32Decoder>(0).decode(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<F32Decoder>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
