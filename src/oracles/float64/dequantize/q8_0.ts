// q8_0: 32 elements in 34 bytes = d f16 (2) | q i8 (32). Element i = d · q.
import type { BlockDequantizer } from './dequantize-blocks.ts';
import { halfToDouble } from './half.ts';

export const q8_0: BlockDequantizer = (bytes, at, out, first) => {
  const d = halfToDouble(bytes.getUint16(at, true));
  for (let i = 0; i < 32; i += 1) out[first + i] = d * bytes.getInt8(at + 2 + i);
};
