// q4_0: 32 elements in 18 bytes = d f16 (2) | nibbles (16).
// Element i = d · (q − 8); q is the low nibble of byte i where i < 16, else the high nibble of byte i − 16.
import type { BlockDequantizer } from './dequantize-blocks.ts';
import { halfToDouble } from './half.ts';

export const q4_0: BlockDequantizer = (bytes, at, out, first) => {
  const d = halfToDouble(bytes.getUint16(at, true));
  for (let i = 0; i < 16; i += 1) {
    const pair = bytes.getUint8(at + 2 + i);
    out[first + i] = d * ((pair & 15) - 8);
    out[first + 16 + i] = d * ((pair >> 4) - 8);
  }
};
