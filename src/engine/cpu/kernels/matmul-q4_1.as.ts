// Matrix product with weights in q4_1: w = d·q + m. Block layout: src/engine/formats/tensor-types/q4_1.ts.
import { addScaledOffset, scaleOffset, upperNibbles } from './lib/bytes.as';
import { ZERO } from './lib/constants.as';
import { NIBBLE } from './lib/constants-decode.as';
import { storeF16Pair } from './lib/f16.as';
import { multiply, scratchByteLength } from './lib/matmul.as';
import { BlockDequantizer, multiplyToken } from './lib/matmul-token.as';

export { scratchByteLength };

class Q41Dequantizer extends BlockDequantizer {
  blockColumns(): i32 { return 32; }
  blockBytes(): i32 { return 20; }

  dequantize(blocks: usize, out: usize, blockCount: i32): void {
    const nibble = v128.load(NIBBLE), zero = v128.load(ZERO);
    for (; blockCount > 0; blockCount--, blocks += 20, out += 128) {
      storeF16Pair(blocks, out);
      const d = v128.load32_splat(out), m = v128.load32_splat(out, 4);
      const q = v128.load(blocks, 4);
      scaleOffset(out, v128.and(q, nibble), d, m, zero);
      scaleOffset(out + 64, upperNibbles(q, nibble), d, m, zero);
    }
  }

  // @ts-ignore: decorator
  @inline
  addProducts(block: usize, x: usize, spare: usize, sum: v128): v128 {
    const nibble = v128.load(NIBBLE);
    storeF16Pair(block, spare);
    const scale = v128.load32_splat(spare), minimum = v128.load32_splat(spare, 4);
    const quants = v128.load(block, 4);
    sum = addScaledOffset(sum, v128.and(quants, nibble), scale, minimum, x);
    return addScaledOffset(sum, upperNibbles(quants, nibble), scale, minimum, x + 64);
  }
}

/** Writes blockCount · 32 f32: what `matmul` itself multiplies. */
export function dequantize(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q41Dequantizer>(0).dequantize(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  if (tokenCount === 1) multiplyToken<Q41Dequantizer>(out, x, weights, rowCount, columnCount, scratch);
  else multiply<Q41Dequantizer>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
