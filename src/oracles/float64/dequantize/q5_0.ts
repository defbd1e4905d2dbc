// q5_0: 32 elements in 22 bytes = d f16 (2) | fifth bits u32 (4) | nibbles (16).
// Element i = d · (q − 16); q is a nibble as in q4_0, plus 16 where bit i of the fifth bits is set.
import type { BlockDequantizer } from './dequantize-blocks.ts';
import { halfToDouble } from './half.ts';

export const q5_0: BlockDequantizer = (bytes, at, out, first) => {
  const d = halfToDouble(bytes.getUint16(at, true));
  const fifths = bytes.getUint32(at + 2, true);
  for (let i = 0; i < 16; i += 1) {
    const pair = bytes.getUint8(at + 6 + i);
    out[first + i] = d * ((pair & 15) + 16 * ((fifths >>> i) & 1) - 16);
    out[first + 16 + i] = d * ((pair >> 4) + 16 * ((fifths >>> (16 + i)) & 1) - 16);
  }
};
