// Matrix product with weights in q2_k: w = d·scale·q - dmin·min, one scale and one min for 16 elements.
// Block layout: src/engine/formats/tensor-types/q2_k.ts.
import { scaleOffset, scaleSigned, upperNibbles } from './lib/bytes.as';
import { ZERO } from './lib/constants.as';
import { NIBBLE, TWO_TO_MINUS_24 } from './lib/constants-decode.as';
import { f16ToF32 } from './lib/f16.as';
import { multiply, RowDequantizer, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class Q2KDequantizer extends RowDequantizer {
  blockColumns(): i32 { return 256; }
  blockBytes(): i32 { return 84; }

  dequantize(blocks: usize, out: usize, blockCount: i32): void {
    const nibble = v128.load(NIBBLE), zero = v128.load(ZERO), shift = v128.load(TWO_TO_MINUS_24);
    // 3 in each byte, made of a constant that lies in memory, so that it stays in a register.
    const three = v128.and(i16x8.shr_u(nibble, 2), nibble);
    for (; blockCount > 0; blockCount--, blocks += 84) {
      // d·scale and -dmin·min wait in two parts of the block's output that the last round alone writes, after it has
      // read.
      let scales = out + 576, mins = out + 960;
      const both = v128.load(blocks);
      store<f32>(out, f16ToF32(load<u16>(blocks, 80)));
      store<f32>(out, -f16ToF32(load<u16>(blocks, 82)), 4);
      const d = v128.load32_splat(out), minusDmin = v128.load32_splat(out, 4);
      scaleSigned(scales, v128.and(both, nibble), f32x4.mul(d, shift), zero);
      scaleSigned(mins, upperNibbles(both, nibble), f32x4.mul(minusDmin, shift), zero);
      for (let half: usize = 0; half < 2; half++, out += 512, scales += 32, mins += 32) {
        for (let part: usize = 0; part < 2; part++) {
          const o = out + (part << 6), s = scales + (part << 2), m = mins + (part << 2);
          const q = v128.load(blocks + (half << 5) + (part << 4), 16);
          const s0 = v128.load32_splat(s), s1 = v128.load32_splat(s, 8);
          const s2 = v128.load32_splat(s, 16), s3 = v128.load32_splat(s, 24);
          const m0 = v128.load32_splat(m), m1 = v128.load32_splat(m, 8);
          const m2 = v128.load32_splat(m, 16), m3 = v128.load32_splat(m, 24);
          scaleOffset(o, v128.and(q, three), s0, m0, zero);
          scaleOffset(o + 128, v128.and(i16x8.shr_u(q, 2), three), s1, m1, zero);
          scaleOffset(o + 256, v128.and(i16x8.shr_u(q, 4), three), s2, m2, zero);
          scaleOffset(o + 384, v128.and(i16x8.shr_u(q, 6), three), s3, m3, zero);
        }
      }
    }
  }
}

/** Writes blockCount · 256 f32: what `matmul` itself multiplies. */
export function dequantize(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q2KDequantizer>(0).dequantize(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<Q2KDequantizer>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
