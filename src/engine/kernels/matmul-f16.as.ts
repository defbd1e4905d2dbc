// Matrix product with weights in f16: 1 element in 2 bytes, IEEE 754 binary16, little endian.
import { f16ToF32, f16x4ToF32 } from './lib/f16.as';
import { multiply, RowDecoder, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class F16Decoder extends RowDecoder {
  blockColumns(): i32 { return 1; }
  blockBytes(): i32 { return 2; }

  decode(blocks: usize, out: usize, blockCount: i32): void {
    const end = out + (<usize>blockCount << 2);
    for (; out + 16 <= end; out += 16, blocks += 8) v128.store(out, f16x4ToF32(v128.load16x4_u(blocks)));
    for (; out < end; out += 4, blocks += 2) store<f32>(out, f16ToF32(load<u16>(blocks)));
  }
}

/** Writes blockCount · 1 f32: the decoder that `matmul` uses. */
export function decode(blocks: usize, out: usize, blockCount: i32): void {
  changetype<F16Decoder>(0).decode(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<F16Decoder>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
