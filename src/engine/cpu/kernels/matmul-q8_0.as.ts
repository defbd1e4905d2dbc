// Matrix product with weights in q8_0: w = d·q. Block layout: src/engine/formats/tensor-types/q8_0.ts.
import { addScaledSigned, scaleSigned } from './lib/bytes.as';
import { ZERO } from './lib/constants.as';
import { TWO_TO_MINUS_24 } from './lib/constants-decode.as';
import { storeF16 } from './lib/f16.as';
import { multiply, scratchByteLength } from './lib/matmul.as';
import { BlockDequantizer, multiplyToken } from './lib/matmul-token.as';

export { scratchByteLength };

class Q80Dequantizer extends BlockDequantizer {
  blockColumns(): i32 { return 32; }
  blockBytes(): i32 { return 34; }

  dequantize(blocks: usize, out: usize, blockCount: i32): void {
    const zero = v128.load(ZERO), shift = v128.load(TWO_TO_MINUS_24);
    for (; blockCount > 0; blockCount--, blocks += 34, out += 128) {
      storeF16(blocks, out);
      const d = f32x4.mul(v128.load32_splat(out), shift);
      scaleSigned(out, v128.load(blocks, 2), d, zero);
      scaleSigned(out + 64, v128.load(blocks, 18), d, zero);
    }
  }

  // @ts-ignore: decorator
  @inline
  addProducts(block: usize, x: usize, spare: usize, sum: v128): v128 {
    storeF16(block, spare);
    const scale = f32x4.mul(v128.load32_splat(spare), v128.load(TWO_TO_MINUS_24));
    sum = addScaledSigned(sum, v128.load(block, 2), scale, x);
    return addScaledSigned(sum, v128.load(block, 18), scale, x + 64);
  }
}

/** Writes blockCount · 32 f32: what `matmul` itself multiplies. */
export function dequantize(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q80Dequantizer>(0).dequantize(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  if (tokenCount === 1) multiplyToken<Q80Dequantizer>(out, x, weights, rowCount, columnCount, scratch);
  else multiply<Q80Dequantizer>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
