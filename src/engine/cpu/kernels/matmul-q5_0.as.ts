// Matrix product with weights in q5_0: 32 elements in 22 bytes = d f16 (2) | fifth bits, bit j of element j (4) | nibbles as in q4_0 (16); w = d·(q - 16).
import { fifthBits, scaleSigned, upperNibbles } from './lib/bytes.as';
import { BYTE_16, NIBBLE, TWO_TO_MINUS_24, ZERO } from './lib/constants.as';
import { storeF16 } from './lib/f16.as';
import { multiply, RowDecoder, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class Q50Decoder extends RowDecoder {
  blockColumns(): i32 { return 32; }
  blockBytes(): i32 { return 22; }

  decode(blocks: usize, out: usize, blockCount: i32): void {
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

/** Writes blockCount · 32 f32: the decoder that `matmul` uses. */
export function decode(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q50Decoder>(0).decode(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<Q50Decoder>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
