// f16: one element in 2 bytes, an IEEE 754 binary16, little-endian.
import type { BlockDequantizer } from './dequantize-blocks.ts';
import { halfToDouble } from './half.ts';

export const f16: BlockDequantizer = (bytes, at, out, first) => {
  out[first] = halfToDouble(bytes.getUint16(at, true));
};
