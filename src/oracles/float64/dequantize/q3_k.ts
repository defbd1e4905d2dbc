// q3_k: 256 elements in 110 bytes = third bits (32) | bit pairs (64) | scales (12) | d f16 (2).
// Element 128h + 32k + l (half h, quarter k, lane l) = d · (scale − 32) · (q − 4), where
//   low 2 bits of q: bits 2k and 2k + 1 of byte 32h + l of the pairs,
//   bit 2 of q: bit 4h + k of byte l of the third bits,
//   scale: number 8h + 2k + (l ≥ 16) of 6 bits, its low nibble in scale byte n mod 8 (the high nibble where n ≥ 8), its
//   upper two bits in byte 8 + n mod 4, at bit 2 · ⌊n / 4⌋.
import type { BlockDequantizer } from './dequantize-blocks.ts';
import { halfToDouble } from './half.ts';

export const q3_k: BlockDequantizer = (bytes, at, out, first) => {
  const d = halfToDouble(bytes.getUint16(at + 108, true));
  for (let part = 0; part < 8; part += 1) {
    const [h, k] = [part >> 2, part & 3];
    for (let l = 0; l < 32; l += 1) {
      const pair = (bytes.getUint8(at + 32 + 32 * h + l) >> (2 * k)) & 3;
      const third = (bytes.getUint8(at + l) >> part) & 1;
      const step = d * (scaleOf(bytes, at + 96, 2 * part + (l >> 4)) - 32);
      out[first + 32 * part + l] = step * (pair + 4 * third - 4);
    }
  }
};

/** @param at where the 12 bytes begin */
function scaleOf(bytes: DataView, at: number, n: number): number {
  const low = (bytes.getUint8(at + (n % 8)) >> (n < 8 ? 0 : 4)) & 15;
  const high = (bytes.getUint8(at + 8 + (n % 4)) >> (2 * (n >> 2))) & 3;
  return low + 16 * high;
}
