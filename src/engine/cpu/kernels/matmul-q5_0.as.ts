// Matrix product with weights in q5_0: w = d·(q - 16). Block layout: src/engine/formats/tensor-types/q5_0.ts.
import { fifthBits, scaleSigned, upperNibbles } from './lib/bytes.as';
import { ZERO } from './lib/constants.as';
import { BYTE_16, NIBBLE, TWO_TO_MINUS_24 } from './lib/constants-decode.as';
import { storeF16 } from './lib/f16.as';
import { multiply, RowDequantizer, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class Q50Dequantizer extends RowDequantizer {
  blockColumns(): i32 { return 32; }
  blockBytes(): i32 { return 22; }

  dequantize(blocks: usize, out: usize, blockCount: i32): void {
    const zero = v128.load(ZERO), shift = v128.load(TWO_TO_MINUS_24);
    const nibble = v128.load(NIBBLE), bias = v128.load(BYTE_16);
    for (; blockCount > 0; blockCount--, blocks += 22, out += 128) {
      storeF16(blocks, out);
      const d = f32x4.mul(v128.load32_splat(out), shift);
      const q = v128.load(blocks, 6);
      const low = v128.or(v128.and(q, nibble), fifthBits(blocks + 2));
      const high = v128.or(upperNibbles(q, nibble), fifthBits(blocks + 4));
      scaleSigned(out, i8x16.sub(low, bias), d, zero);
      scaleSigned(out + 64, i8x16.sub(high, bias), d, zero);
    }
  }
}

/** Writes blockCount · 32 f32: what `matmul` itself multiplies. */
export function dequantize(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q50Dequantizer>(0).dequantize(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<Q50Dequantizer>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
