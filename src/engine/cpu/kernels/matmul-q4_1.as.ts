// Matrix product with weights in q4_1: 32 elements in 20 bytes = d f16 (2) | m f16 (2) | nibbles (16); w = d·q + m; element j is the low nibble of byte j, 16 + j the high one.
import { addScaledOffset, scaleOffset, upperNibbles } from './lib/bytes.as';
import { NIBBLE, ZERO } from './lib/constants.as';
import { storeF16Pair } from './lib/f16.as';
import { multiply, scratchByteLength } from './lib/matmul.as';
import { BlockDecoder, multiplyToken } from './lib/matmul-token.as';

export { scratchByteLength };

class Q41Decoder extends BlockDecoder {
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

/** Writes blockCount · 32 f32: the decoder that `matmul` uses. */
export function decode(blocks: usize, out: usize, blockCount: i32): void {
  changetype<Q41Decoder>(0).decode(blocks, out, blockCount);
}

/** Shapes and scratch: `multiply` in lib/matmul.as.ts. */
export function matmul(
  out: usize, outStride: i32, x: usize, weights: usize,
  rowCount: i32, columnCount: i32, tokenCount: i32, scratch: usize,
): void {
  if (tokenCount === 1) multiplyToken<Q41Decoder>(out, x, weights, rowCount, columnCount, scratch);
  else multiply<Q41Decoder>(out, outStride, x, weights, rowCount, columnCount, tokenCount, scratch);
}
