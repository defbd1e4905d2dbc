// Matrix product with weights in q5_1: 32 elements in 24 bytes = d f16 (2) | m f16 (2) | fifth bits, bit j of element j (4) | nibbles as in q4_1 (16); w = d·q + m.
import { fifthBits } from './lib/fifth-bits.as';
import { scaleOffset } from './lib/bytes.as';
import { f16ToF32 } from './lib/f16.as';
import { multiply, RowDecoder, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class Q51Decoder extends RowDecoder {
  blockColumns(): i32 { return 32; }
  blockBytes(): i32 { return 24; }

  decode(blocks: usize, out: usize, blockCount: i32): void {
    for (; blockCount > 0; blockCount--, blocks += 24, out += 128) {
      const d = f32x4.splat(f16ToF32(load<u16>(blocks)));
      const m = f32x4.splat(f16ToF32(load<u16>(blocks, 2)));
      const q = v128.load(blocks, 8);
      scaleOffset(out, v128.or(v128.and(q, i8x16.splat(15)), fifthBits(load<u16>(blocks, 4))), d, m);
      scaleOffset(out + 64, v128.or(i8x16.shr_u(q, 4), fifthBits(load<u16>(blocks, 6))), d, m);
    }
  }
}

/** Writes blockCount · 32 f32: the decoder that `matmul` uses. */
export function decode(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q51Decoder>(0).decode(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<Q51Decoder>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
