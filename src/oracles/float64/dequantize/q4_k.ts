// q4_k: 256 elements in 144 bytes = d f16 (2) | dmin f16 (2) | scales and minima (12) | nibbles (128).
// Element 32j + l of sub-block j = d · scale_j · q − dmin · minimum_j. Sub-blocks 2n and 2n + 1 share the nibble bytes
// 32n…32n + 31: the even one has the low nibbles.
import type { BlockDequantizer } from './dequantize-blocks.ts';
import { halfToDouble } from './half.ts';
import { sixBitMinimum, sixBitScale } from './six-bit-scales.ts';

export const q4_k: BlockDequantizer = (bytes, at, out, first) => {
  const d = halfToDouble(bytes.getUint16(at, true));
  const dmin = halfToDouble(bytes.getUint16(at + 2, true));
  for (let j = 0; j < 8; j += 1) {
    const step = d * sixBitScale(bytes, at + 4, j);
    const minimum = dmin * sixBitMinimum(bytes, at + 4, j);
    const nibbles = at + 16 + 32 * (j >> 1);
    const shift = 4 * (j & 1);
    for (let l = 0; l < 32; l += 1) {
      const q = (bytes.getUint8(nibbles + l) >> shift) & 15;
      out[first + 32 * j + l] = step * q - minimum;
    }
  }
};
