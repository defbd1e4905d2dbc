// Matrix product with weights in q4_k: w = d·scale_j·q - dmin·min_j for the 32 elements of sub-block j.
// Block layout: src/engine/formats/tensor-types/q4_k.ts.
import { scaleOffset, upperNibbles } from './lib/bytes.as';
import { ZERO } from './lib/constants.as';
import { NIBBLE } from './lib/constants-decode.as';
import { unpackScales } from './lib/scales-k.as';
import { multiply, RowDequantizer, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class Q4KDequantizer extends RowDequantizer {
  blockColumns(): i32 { return 256; }
  blockBytes(): i32 { return 144; }

  dequantize(blocks: usize, out: usize, blockCount: i32): void {
    const nibble = v128.load(NIBBLE), zero = v128.load(ZERO);
    for (; blockCount > 0; blockCount--, blocks += 144) {
      // The scales wait in the last part of the block's output, which is read before it is written.
      let scales = out + 960;
      unpackScales(blocks, scales);
      for (let q = blocks + 16, end = blocks + 144; q < end; q += 32, out += 256, scales += 8) {
        const q0 = v128.load(q), q1 = v128.load(q, 16);
        const lowScale = v128.load32_splat(scales), lowMin = v128.load32_splat(scales, 32);
        const highScale = v128.load32_splat(scales, 4), highMin = v128.load32_splat(scales, 36);
        scaleOffset(out, v128.and(q0, nibble), lowScale, lowMin, zero);
        scaleOffset(out + 64, v128.and(q1, nibble), lowScale, lowMin, zero);
        scaleOffset(out + 128, upperNibbles(q0, nibble), highScale, highMin, zero);
        scaleOffset(out + 192, upperNibbles(q1, nibble), highScale, highMin, zero);
      }
    }
  }
}

/** Writes blockCount · 256 f32: what `matmul` itself multiplies. */
export function dequantize(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q4KDequantizer>(0).dequantize(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<Q4KDequantizer>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
