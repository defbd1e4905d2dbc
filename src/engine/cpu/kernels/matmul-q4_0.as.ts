// Matrix product with weights in q4_0: w = d·(q - 8). Block layout: src/engine/formats/tensor-types/q4_0.ts.
import { scaleSigned, upperNibbles } from './lib/bytes.as';
import { ZERO } from './lib/constants.as';
import { BYTE_8, NIBBLE, TWO_TO_MINUS_24 } from './lib/constants-decode.as';
import { storeF16 } from './lib/f16.as';
import { multiply, RowDequantizer, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class Q40Dequantizer extends RowDequantizer {
  blockColumns(): i32 { return 32; }
  blockBytes(): i32 { return 18; }

  dequantize(blocks: usize, out: usize, blockCount: i32): void {
    const zero = v128.load(ZERO), shift = v128.load(TWO_TO_MINUS_24);
    const nibble = v128.load(NIBBLE), bias = v128.load(BYTE_8);
    for (; blockCount > 0; blockCount--, blocks += 18, out += 128) {
      storeF16(blocks, out);
      const d = f32x4.mul(v128.load32_splat(out), shift);
      const q = v128.load(blocks, 2);
      scaleSigned(out, i8x16.sub(v128.and(q, nibble), bias), d, zero);
      scaleSigned(out + 64, i8x16.sub(upperNibbles(q, nibble), bias), d, zero);
    }
  }
}

/** Writes blockCount · 32 f32: what `matmul` itself multiplies. */
export function dequantize(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q40Dequantizer>(0).dequantize(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<Q40Dequantizer>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
