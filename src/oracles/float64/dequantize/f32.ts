// f32: one element in 4 bytes, an IEEE 754 binary32, little-endian. A double holds it exactly.
import type { BlockDequantizer } from './dequantize-blocks.ts';

export const f32: BlockDequantizer = (bytes, at, out, first) => {
  out[first] = bytes.getFloat32(at, true);
};
