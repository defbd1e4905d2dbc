// Matrix product with weights in q5_k: as q4_k, with a fifth bit.
// Block layout: src/engine/formats/tensor-types/q5_k.ts.
import { scaleOffset, upperNibbles } from './lib/bytes.as';
import { ZERO } from './lib/constants.as';
import { BYTE_16, NIBBLE } from './lib/constants-decode.as';
import { unpackScales } from './lib/scales-k.as';
import { multiply, RowDequantizer, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class Q5KDequantizer extends RowDequantizer {
  blockColumns(): i32 { return 256; }
  blockBytes(): i32 { return 176; }

  dequantize(blocks: usize, out: usize, blockCount: i32): void {
    const nibble = v128.load(NIBBLE), zero = v128.load(ZERO), fifth = v128.load(BYTE_16);
    for (; blockCount > 0; blockCount--, blocks += 176) {
      // The scales wait in the last part of the block's output, which is read before it is written.
      let scales = out + 960;
      unpackScales(blocks, scales);
      // Sub-block j finds its fifth bits at bit 4: bits 0..3 are shifted up for the first half, bits 4..7 lie right.
      let h0 = i16x8.shl(v128.load(blocks, 16), 4), h1 = i16x8.shl(v128.load(blocks, 32), 4);
      for (let q = blocks + 48, end = blocks + 176; q < end; q += 32, out += 256, scales += 8) {
        if (q === blocks + 112) {
          h0 = v128.load(blocks, 16);
          h1 = v128.load(blocks, 32);
        }
        const q0 = v128.load(q), q1 = v128.load(q, 16);
        const lowScale = v128.load32_splat(scales), lowMin = v128.load32_splat(scales, 32);
        const highScale = v128.load32_splat(scales, 4), highMin = v128.load32_splat(scales, 36);
        const a = v128.or(v128.and(q0, nibble), v128.and(h0, fifth));
        const b = v128.or(v128.and(q1, nibble), v128.and(h1, fifth));
        scaleOffset(out, a, lowScale, lowMin, zero);
        scaleOffset(out + 64, b, lowScale, lowMin, zero);
        h0 = i16x8.shr_u(h0, 1);
        h1 = i16x8.shr_u(h1, 1);
        const c = v128.or(upperNibbles(q0, nibble), v128.and(h0, fifth));
        const d = v128.or(upperNibbles(q1, nibble), v128.and(h1, fifth));
        scaleOffset(out + 128, c, highScale, highMin, zero);
        scaleOffset(out + 192, d, highScale, highMin, zero);
        h0 = i16x8.shr_u(h0, 1);
        h1 = i16x8.shr_u(h1, 1);
      }
    }
  }
}

/** Writes blockCount · 256 f32: what `matmul` itself multiplies. */
export function dequantize(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q5KDequantizer>(0).dequantize(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<Q5KDequantizer>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
