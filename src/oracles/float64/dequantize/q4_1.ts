// q4_1: 32 elements in 20 bytes = d f16 (2) | m f16 (2) | nibbles (16). Element i = d · q + m; nibbles as in q4_0.
import type { BlockDequantizer } from './dequantize-blocks.ts';
import { halfToDouble } from './half.ts';

export const q4_1: BlockDequantizer = (bytes, at, out, first) => {
  const d = halfToDouble(bytes.getUint16(at, true));
  const m = halfToDouble(bytes.getUint16(at + 2, true));
  for (let i = 0; i < 16; i += 1) {
    const pair = bytes.getUint8(at + 4 + i);
    out[first + i] = d * (pair & 15) + m;
    out[first + 16 + i] = d * (pair >> 4) + m;
  }
};
