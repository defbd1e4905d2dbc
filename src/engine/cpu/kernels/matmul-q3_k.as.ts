// Matrix product with weights in q3_k: w = d·(scale - 32)·(q - 4), one scale for 16 elements.
// Block layout: src/engine/formats/tensor-types/q3_k.ts.
import { scaleSigned } from './lib/bytes.as';
import { ZERO } from './lib/constants.as';
import { BYTE_32, BYTE_8, NIBBLE, TWO_TO_MINUS_24 } from './lib/constants-decode.as';
import { f16ToF32 } from './lib/f16.as';
import { multiply, RowDequantizer, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

const TWO_TO_MINUS_24_F32: f32 = 5.9604644775390625e-8;

class Q3KDequantizer extends RowDequantizer {
  blockColumns(): i32 { return 256; }
  blockBytes(): i32 { return 110; }

  dequantize(blocks: usize, out: usize, blockCount: i32): void {
    // Made of constants that lie in memory, so that they stay in registers: 3 and 4 in each byte.
    const low = i16x8.shr_u(v128.load(NIBBLE), 2), zero = v128.load(ZERO);
    const three = v128.and(low, v128.load(NIBBLE)), four = i16x8.shr_u(v128.load(BYTE_8), 1);
    for (; blockCount > 0; blockCount--, blocks += 110) {
      // The scales wait in the last part of the block's output, which is read before it is written.
      let scales = out + 960;
      store<f32>(out, f16ToF32(load<u16>(blocks, 108)) * TWO_TO_MINUS_24_F32);
      scaleSigned(scales, scalesOf(blocks), f32x4.mul(v128.load32_splat(out), v128.load(TWO_TO_MINUS_24)), zero);
      for (let half: usize = 0; half < 2; half++, out += 512, scales += 32) {
        for (let part: usize = 0; part < 2; part++) {
          const o = out + (part << 6), s = scales + (part << 2);
          const q = v128.load(blocks + (half << 5) + (part << 4), 32);
          // The third bit of the first quarter comes to bit 2, where it is worth 4.
          const thirds = v128.load(blocks + (part << 4));
          const h = half === 0 ? i16x8.shl(thirds, 2) : i16x8.shr_u(thirds, 2);
          const s0 = v128.load32_splat(s), s1 = v128.load32_splat(s, 8);
          const s2 = v128.load32_splat(s, 16), s3 = v128.load32_splat(s, 24);
          const a = v128.or(v128.and(q, three), v128.and(h, four));
          const b = v128.or(v128.and(i16x8.shr_u(q, 2), three), v128.and(i16x8.shr_u(h, 1), four));
          const c = v128.or(v128.and(i16x8.shr_u(q, 4), three), v128.and(i16x8.shr_u(h, 2), four));
          const d = v128.or(v128.and(i16x8.shr_u(q, 6), three), v128.and(i16x8.shr_u(h, 3), four));
          scaleSigned(o, i8x16.sub(a, four), s0, zero);
          scaleSigned(o + 128, i8x16.sub(b, four), s1, zero);
          scaleSigned(o + 256, i8x16.sub(c, four), s2, zero);
          scaleSigned(o + 384, i8x16.sub(d, four), s3, zero);
        }
      }
    }
  }
}

/** The sixteen scales, less 32, as signed bytes. */
// @ts-ignore: decorator
@inline
function scalesOf(block: usize): v128 {
  const a = load<u32>(block, 96), b = load<u32>(block, 100), upper = load<u32>(block, 104);
  let bytes = i32x4.splat((a & 0x0f0f0f0f) | ((upper & 0x03030303) << 4));
  bytes = i32x4.replace_lane(bytes, 1, (b & 0x0f0f0f0f) | (((upper >> 2) & 0x03030303) << 4));
  bytes = i32x4.replace_lane(bytes, 2, ((a >> 4) & 0x0f0f0f0f) | (((upper >> 4) & 0x03030303) << 4));
  bytes = i32x4.replace_lane(bytes, 3, ((b >> 4) & 0x0f0f0f0f) | (((upper >> 6) & 0x03030303) << 4));
  return i8x16.sub(bytes, v128.load(BYTE_32));
}

/** Writes blockCount · 256 f32: what `matmul` itself multiplies. */
export function dequantize(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q3KDequantizer>(0).dequantize(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<Q3KDequantizer>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
