// Matrix product with weights in q4_1: 32 elements in 20 bytes = d f16 (2) | m f16 (2) | nibbles (16); w = d·q + m; element j is the low nibble of byte j, 16 + j the high one.
import { scaleOffset, upperNibbles } from './lib/bytes.as';
import { NIBBLE, ZERO } from './lib/constants.as';
import { storeF16Pair } from './lib/f16.as';
import { multiply, RowDecoder, scratchByteLength } from './lib/matmul.as';

export { scratchByteLength };

class Q41Decoder extends RowDecoder {
  blockColumns(): i32 { return 32; }
  blockBytes(): i32 { return 20; }

  decode(blocks: usize, out: usize, blockCount: i32): void {
    const nibble = v128.load(NIBBLE), zero = v128.load(ZERO);
    for (; blockCount > 0; blockCount--, blocks += 20, out += 128) {
      storeF16Pair(blocks, out);
      const d = v128.load32_splat(out), m = v128.load32_splat(out, 4);
      const q = v128.load(blocks, 4);
      scaleOffset(out, v128.and(q, nibble), d, m, zero);
      scaleOffset(out + 64, upperNibbles(q, nibble), d, m, zero);
    }
  }
}

/** Writes blockCount · 32 f32: the decoder that `matmul` uses. */
export function decode(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q41Decoder>(0).decode(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  multiply<Q41Decoder>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
