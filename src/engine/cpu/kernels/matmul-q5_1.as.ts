// Matrix product with weights in q5_1: w = d·q + m. Block layout: src/engine/formats/tensor-types/q5_1.ts.
import { fifthBits, scaleOffset, upperNibbles } from './lib/bytes.as';
import { ZERO } from './lib/constants.as';
import { NIBBLE } from './lib/constants-decode.as';
import { storeF16Pair } from './lib/f16.as';
import { multiply, RowDequantizer, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class Q51Dequantizer extends RowDequantizer {
  blockColumns(): i32 { return 32; }
  blockBytes(): i32 { return 24; }

  dequantize(blocks: usize, out: usize, blockCount: i32): void {
    const nibble = v128.load(NIBBLE), zero = v128.load(ZERO);
    for (; blockCount > 0; blockCount--, blocks += 24, out += 128) {
      storeF16Pair(blocks, out);
      const d = v128.load32_splat(out), m = v128.load32_splat(out, 4);
      const q = v128.load(blocks, 8);
      scaleOffset(out, v128.or(v128.and(q, nibble), fifthBits(blocks + 4)), d, m, zero);
      scaleOffset(out + 64, v128.or(upperNibbles(q, nibble), fifthBits(blocks + 6)), d, m, zero);
    }
  }
}

/** Writes blockCount · 32 f32: what `matmul` itself multiplies. */
export function dequantize(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q51Dequantizer>(0).dequantize(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<Q51Dequantizer>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
