// q2_k: 256 elements in 84 bytes = scales and minima (16) | bit pairs (64) | d f16 (2) | dmin f16 (2).
// Element 128h + 32k + l (half h, quarter k, lane l) = d · scale · q − dmin · minimum, where
//   q: bits 2k and 2k + 1 of byte 32h + l of the pairs,
//   scale and minimum: low and high nibble of byte 8h + 2k + (l ≥ 16).
import type { BlockDequantizer } from './dequantize-blocks.ts';
import { halfToDouble } from './half.ts';

export const q2_k: BlockDequantizer = (bytes, at, out, first) => {
  const d = halfToDouble(bytes.getUint16(at + 80, true));
  const dmin = halfToDouble(bytes.getUint16(at + 82, true));
  for (let part = 0; part < 8; part += 1) {
    const [h, k] = [part >> 2, part & 3];
    for (let l = 0; l < 32; l += 1) {
      const both = bytes.getUint8(at + 2 * part + (l >> 4));
      const q = (bytes.getUint8(at + 16 + 32 * h + l) >> (2 * k)) & 3;
      out[first + 32 * part + l] = d * (both & 15) * q - dmin * (both >> 4);
    }
  }
};
