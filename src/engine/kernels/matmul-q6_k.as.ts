// Matrix product with weights in q6_k: 256 elements in 210 bytes = low nibbles (128) | upper two bits (64) | scales i8 (16) | d f16 (2).
// w = d·scale·(q - 32), one scale per 16 elements. Each half of 128 elements has 64 bytes of nibbles and 32 of upper bits:
// for l < 32, element l is low nibble l, l + 32 low nibble l + 32, l + 64 high nibble l, l + 96 high nibble l + 32, and
// their upper bits are the four bit pairs of byte l, lowest pair first.
import { scaleSigned } from './lib/bytes.as';
import { f16ToF32 } from './lib/f16.as';
import { multiply, RowDecoder, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class Q6KDecoder extends RowDecoder {
  blockColumns(): i32 { return 256; }
  blockBytes(): i32 { return 210; }

  decode(blocks: usize, out: usize, blockCount: i32): void {
    for (; blockCount > 0; blockCount--, blocks += 210) {
      const d = f16ToF32(load<u16>(blocks, 208));
      for (let half: usize = 0; half < 2; half++, out += 512) {
        const nibbles = blocks + (half << 6);
        const scales = blocks + 192 + (half << 3);
        for (let part: usize = 0; part < 2; part++) {
          const q0 = v128.load(nibbles + (part << 4)), q1 = v128.load(nibbles + (part << 4), 32);
          const h = v128.load(blocks + 128 + (half << 5) + (part << 4));
          const o = out + (part << 6), s = scales + part;
          const m4 = i8x16.splat(15), m2 = i8x16.splat(0x30), bias = i8x16.splat(32);
          const a = v128.or(v128.and(q0, m4), v128.and(i8x16.shl(h, 4), m2));
          const b = v128.or(v128.and(q1, m4), v128.and(i8x16.shl(h, 2), m2));
          const c = v128.or(i8x16.shr_u(q0, 4), v128.and(h, m2));
          const e = v128.or(i8x16.shr_u(q1, 4), v128.and(i8x16.shr_u(h, 2), m2));
          scaleSigned(o, i8x16.sub(a, bias), f32x4.splat(d * <f32>load<i8>(s)));
          scaleSigned(o + 128, i8x16.sub(b, bias), f32x4.splat(d * <f32>load<i8>(s, 2)));
          scaleSigned(o + 256, i8x16.sub(c, bias), f32x4.splat(d * <f32>load<i8>(s, 4)));
          scaleSigned(o + 384, i8x16.sub(e, bias), f32x4.splat(d * <f32>load<i8>(s, 6)));
        }
      }
    }
  }
}

/** Writes blockCount · 256 f32: the decoder that `matmul` uses. */
export function decode(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q6KDecoder>(0).decode(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<Q6KDecoder>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
