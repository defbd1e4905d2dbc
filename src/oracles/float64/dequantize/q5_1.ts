// q5_1: 32 elements in 24 bytes = d f16 (2) | m f16 (2) | fifth bits u32 (4) | nibbles (16).
// Element i = d · q + m; q as in q5_0.
import type { BlockDequantizer } from './dequantize-blocks.ts';
import { halfToDouble } from './half.ts';

export const q5_1: BlockDequantizer = (bytes, at, out, first) => {
  const d = halfToDouble(bytes.getUint16(at, true));
  const m = halfToDouble(bytes.getUint16(at + 2, true));
  const fifths = bytes.getUint32(at + 4, true);
  for (let i = 0; i < 16; i += 1) {
    const pair = bytes.getUint8(at + 8 + i);
    out[first + i] = d * ((pair & 15) + 16 * ((fifths >>> i) & 1)) + m;
    out[first + 16 + i] = d * ((pair >> 4) + 16 * ((fifths >>> (16 + i)) & 1)) + m;
  }
};
