// Matrix product with weights in q5_k: 256 elements in 176 bytes = d f16 (2) | dmin f16 (2) | scales and mins (12) | fifth bits (32) | nibbles (128).
// As q4_k, with a fifth bit: bit j of byte l of the fifth bits belongs to element l of sub-block j.
import { scaleOffset } from './lib/bytes.as';
import { f16ToF32 } from './lib/f16.as';
import { subMin, subScale } from './lib/scales-k.as';
import { multiply, RowDecoder, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class Q5KDecoder extends RowDecoder {
  blockColumns(): i32 { return 256; }
  blockBytes(): i32 { return 176; }

  decode(blocks: usize, out: usize, blockCount: i32): void {
    for (; blockCount > 0; blockCount--, blocks += 176) {
      const d = f16ToF32(load<u16>(blocks));
      const dmin = f16ToF32(load<u16>(blocks, 2));
      let h0 = v128.load(blocks, 16), h1 = v128.load(blocks, 32);
      for (let j = 0; j < 8; j += 2, out += 256) {
        const q = blocks + 48 + (<usize>j << 4);
        const q0 = v128.load(q), q1 = v128.load(q, 16);
        const lowScale = f32x4.splat(d * <f32>subScale(blocks + 4, j));
        const lowMin = f32x4.splat(-(dmin * <f32>subMin(blocks + 4, j)));
        scaleOffset(out, v128.or(v128.and(q0, i8x16.splat(15)), fifth(h0)), lowScale, lowMin);
        scaleOffset(out + 64, v128.or(v128.and(q1, i8x16.splat(15)), fifth(h1)), lowScale, lowMin);
        h0 = i8x16.shr_u(h0, 1);
        h1 = i8x16.shr_u(h1, 1);
        const highScale = f32x4.splat(d * <f32>subScale(blocks + 4, j + 1));
        const highMin = f32x4.splat(-(dmin * <f32>subMin(blocks + 4, j + 1)));
        scaleOffset(out + 128, v128.or(i8x16.shr_u(q0, 4), fifth(h0)), highScale, highMin);
        scaleOffset(out + 192, v128.or(i8x16.shr_u(q1, 4), fifth(h1)), highScale, highMin);
        h0 = i8x16.shr_u(h0, 1);
        h1 = i8x16.shr_u(h1, 1);
      }
    }
  }
}

/** Bit 0 of each byte, moved to bit 4. */
function fifth(bits: v128): v128 {
  return i8x16.shl(v128.and(bits, i8x16.splat(1)), 4);
}

/** Writes blockCount · 256 f32: the decoder that `matmul` uses. */
export function decode(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q5KDecoder>(0).decode(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<Q5KDecoder>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
