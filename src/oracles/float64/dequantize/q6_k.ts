// q6_k: 256 elements in 210 bytes = low nibbles (128) | high bit pairs (64) | scales i8 (16) | d f16 (2).
// Element 128h + 32k + l (half h, quarter k, lane l) = d · scale · (q − 32), where
//   low 4 bits of q: byte 64h + 32(k mod 2) + l of the nibbles, the high nibble where k ≥ 2,
//   high 2 bits of q: bits 2k and 2k + 1 of high byte 32h + l,
//   scale: number 8h + 2k + (l ≥ 16).
import type { BlockDequantizer } from './dequantize-blocks.ts';
import { halfToDouble } from './half.ts';

export const q6_k: BlockDequantizer = (bytes, at, out, first) => {
  const d = halfToDouble(bytes.getUint16(at + 208, true));
  for (let part = 0; part < 8; part += 1) {
    const [h, k] = [part >> 2, part & 3];
    for (let l = 0; l < 32; l += 1) {
      const low = (bytes.getUint8(at + 64 * h + 32 * (k & 1) + l) >> (k < 2 ? 0 : 4)) & 15;
      const high = (bytes.getUint8(at + 128 + 32 * h + l) >> (2 * k)) & 3;
      const scale = bytes.getInt8(at + 192 + 8 * h + 2 * k + (l >> 4));
      out[first + 32 * part + l] = d * scale * (low + 16 * high - 32);
    }
  }
};
