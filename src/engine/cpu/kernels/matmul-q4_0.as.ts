// Matrix product with weights in q4_0: 32 elements in 18 bytes = d f16 (2) | nibbles (16); w = d·(q - 8); element j is the low nibble of byte j, 16 + j the high one.
import { scaleSigned, upperNibbles } from './lib/bytes.as';
import { BYTE_8, NIBBLE, TWO_TO_MINUS_24, ZERO } from './lib/constants.as';
import { storeF16 } from './lib/f16.as';
import { multiply, RowDecoder, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class Q40Decoder extends RowDecoder {
  blockColumns(): i32 { return 32; }
  blockBytes(): i32 { return 18; }

  decode(blocks: usize, out: usize, blockCount: i32): void {
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

/** Writes blockCount · 32 f32: the decoder that `matmul` uses. */
export function decode(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q40Decoder>(0).decode(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<Q40Decoder>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
