// Matrix product with weights in q5_0: 32 elements in 22 bytes = d f16 (2) | fifth bits, bit j of element j (4) | nibbles as in q4_0 (16); w = d·(q - 16).
import { fifthBits } from './lib/fifth-bits.as';
import { scaleSigned } from './lib/bytes.as';
import { f16ToF32 } from './lib/f16.as';
import { multiply, RowDecoder, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class Q50Decoder extends RowDecoder {
  blockColumns(): i32 { return 32; }
  blockBytes(): i32 { return 22; }

  decode(blocks: usize, out: usize, blockCount: i32): void {
    for (; blockCount > 0; blockCount--, blocks += 22, out += 128) {
      const d = f32x4.splat(f16ToF32(load<u16>(blocks)));
      const q = v128.load(blocks, 6);
      const low = v128.or(v128.and(q, i8x16.splat(15)), fifthBits(load<u16>(blocks, 2)));
      const high = v128.or(i8x16.shr_u(q, 4), fifthBits(load<u16>(blocks, 4)));
      scaleSigned(out, i8x16.sub(low, i8x16.splat(16)), d);
      scaleSigned(out + 64, i8x16.sub(high, i8x16.splat(16)), d);
    }
  }
}

/** Writes blockCount · 32 f32: the decoder that `matmul` uses. */
export function decode(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q50Decoder>(0).decode(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<Q50Decoder>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
