// q5_k: 256 elements in 176 bytes = d f16 (2) | dmin f16 (2) | scales and minima (12) | fifth bits (32) | nibbles
// (128). As q4_k; the fifth bit of element l of sub-block j is bit j of fifth-bit byte l.
import type { BlockDequantizer } from './dequantize-blocks.ts';
import { halfToDouble } from './half.ts';
import { sixBitMinimum, sixBitScale } from './six-bit-scales.ts';

export const q5_k: BlockDequantizer = (bytes, at, out, first) => {
  const d = halfToDouble(bytes.getUint16(at, true));
  const dmin = halfToDouble(bytes.getUint16(at + 2, true));
  for (let j = 0; j < 8; j += 1) {
    const step = d * sixBitScale(bytes, at + 4, j);
    const minimum = dmin * sixBitMinimum(bytes, at + 4, j);
    const nibbles = at + 48 + 32 * (j >> 1);
    const shift = 4 * (j & 1);
    for (let l = 0; l < 32; l += 1) {
      const fifth = (bytes.getUint8(at + 16 + l) >> j) & 1;
      const q = ((bytes.getUint8(nibbles + l) >> shift) & 15) + 16 * fifth;
      out[first + 32 * j + l] = step * q - minimum;
    }
  }
};
