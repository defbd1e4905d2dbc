// Matrix product with weights in q6_k: w = d·scale·(q - 32), one scale for 16 elements.
// Block layout: src/engine/formats/tensor-types/q6_k.ts.
import { scaleSigned, upperNibbles } from './lib/bytes.as';
import { ZERO } from './lib/constants.as';
import { BITS_45, BYTE_32, NIBBLE, TWO_TO_MINUS_24 } from './lib/constants-decode.as';
import { f16ToF32 } from './lib/f16.as';
import { multiply, RowDequantizer, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

const TWO_TO_MINUS_24_F32: f32 = 5.9604644775390625e-8;

class Q6KDequantizer extends RowDequantizer {
  blockColumns(): i32 { return 256; }
  blockBytes(): i32 { return 210; }

  dequantize(blocks: usize, out: usize, blockCount: i32): void {
    const nibble = v128.load(NIBBLE), zero = v128.load(ZERO), bits = v128.load(BITS_45), bias = v128.load(BYTE_32);
    for (; blockCount > 0; blockCount--, blocks += 210) {
      // The scales wait in the last part of the block's output, which is read before it is written.
      let scales = out + 960;
      store<f32>(out, f16ToF32(load<u16>(blocks, 208)) * TWO_TO_MINUS_24_F32);
      scaleSigned(scales, v128.load(blocks, 192), f32x4.mul(v128.load32_splat(out), v128.load(TWO_TO_MINUS_24)), zero);
      for (let half: usize = 0; half < 2; half++, out += 512, scales += 32) {
        for (let part: usize = 0; part < 2; part++) {
          const source = blocks + (half << 6) + (part << 4), o = out + (part << 6), s = scales + (part << 2);
          const q0 = v128.load(source), q1 = v128.load(source, 32);
          const h = v128.load(blocks + 128 + (half << 5) + (part << 4));
          const s0 = v128.load32_splat(s), s1 = v128.load32_splat(s, 8);
          const s2 = v128.load32_splat(s, 16), s3 = v128.load32_splat(s, 24);
          const a = v128.or(v128.and(q0, nibble), v128.and(i16x8.shl(h, 4), bits));
          const b = v128.or(v128.and(q1, nibble), v128.and(i16x8.shl(h, 2), bits));
          const c = v128.or(upperNibbles(q0, nibble), v128.and(h, bits));
          const d = v128.or(upperNibbles(q1, nibble), v128.and(i16x8.shr_u(h, 2), bits));
          scaleSigned(o, i8x16.sub(a, bias), s0, zero);
          scaleSigned(o + 128, i8x16.sub(b, bias), s1, zero);
          scaleSigned(o + 256, i8x16.sub(c, bias), s2, zero);
          scaleSigned(o + 384, i8x16.sub(d, bias), s3, zero);
        }
      }
    }
  }
}

/** Writes blockCount · 256 f32: what `matmul` itself multiplies. */
export function dequantize(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q6KDequantizer>(0).dequantize(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<Q6KDequantizer>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
