// Matrix product with weights in q4_0: 32 elements in 18 bytes = d f16 (2) | nibbles (16); w = d·(q - 8); element j is the low nibble of byte j, 16 + j the high one.
import { scaleSigned } from './lib/bytes.as';
import { f16ToF32 } from './lib/f16.as';
import { multiply, RowDecoder, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class Q40Decoder extends RowDecoder {
  blockColumns(): i32 { return 32; }
  blockBytes(): i32 { return 18; }

  decode(blocks: usize, out: usize, blockCount: i32): void {
    for (; blockCount > 0; blockCount--, blocks += 18, out += 128) {
      const d = f32x4.splat(f16ToF32(load<u16>(blocks)));
      const q = v128.load(blocks, 2);
      scaleSigned(out, i8x16.sub(v128.and(q, i8x16.splat(15)), i8x16.splat(8)), d);
      scaleSigned(out + 64, i8x16.sub(i8x16.shr_u(q, 4), i8x16.splat(8)), d);
    }
  }
}

/** Writes blockCount · 32 f32: the decoder that `matmul` uses. */
export function decode(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q40Decoder>(0).decode(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<Q40Decoder>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
