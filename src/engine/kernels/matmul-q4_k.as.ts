// Matrix product with weights in q4_k: 256 elements in 144 bytes = d f16 (2) | dmin f16 (2) | scales and mins (12) | nibbles (128).
// Sub-block j has 32 elements: w = d·scale_j·q - dmin·min_j. Bytes 32i..32i+31 hold sub-block 2i in their low nibbles and
// 2i + 1 in their high ones.
import { scaleOffset } from './lib/bytes.as';
import { f16ToF32 } from './lib/f16.as';
import { subMin, subScale } from './lib/scales-k.as';
import { multiply, RowDecoder, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class Q4KDecoder extends RowDecoder {
  blockColumns(): i32 { return 256; }
  blockBytes(): i32 { return 144; }

  decode(blocks: usize, out: usize, blockCount: i32): void {
    for (; blockCount > 0; blockCount--, blocks += 144) {
      const d = f16ToF32(load<u16>(blocks));
      const dmin = f16ToF32(load<u16>(blocks, 2));
      for (let j = 0; j < 8; j += 2, out += 256) {
        const q = blocks + 16 + (<usize>j << 4);
        const q0 = v128.load(q), q1 = v128.load(q, 16);
        const lowScale = f32x4.splat(d * <f32>subScale(blocks + 4, j));
        const lowMin = f32x4.splat(-(dmin * <f32>subMin(blocks + 4, j)));
        scaleOffset(out, v128.and(q0, i8x16.splat(15)), lowScale, lowMin);
        scaleOffset(out + 64, v128.and(q1, i8x16.splat(15)), lowScale, lowMin);
        const highScale = f32x4.splat(d * <f32>subScale(blocks + 4, j + 1));
        const highMin = f32x4.splat(-(dmin * <f32>subMin(blocks + 4, j + 1)));
        scaleOffset(out + 128, i8x16.shr_u(q0, 4), highScale, highMin);
        scaleOffset(out + 192, i8x16.shr_u(q1, 4), highScale, highMin);
      }
    }
  }
}

/** Writes blockCount · 256 f32: the decoder that `matmul` uses. */
export function decode(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q4KDecoder>(0).decode(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<Q4KDecoder>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
