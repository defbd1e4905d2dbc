// bf16: one element in 2 bytes, the upper half of an IEEE 754 binary32, little-endian.
import type { BlockDequantizer } from './dequantize-blocks.ts';

const widened: DataView = new DataView(new ArrayBuffer(4));

export const bf16: BlockDequantizer = (bytes, at, out, first) => {
  // Big-endian, the upper half comes first; the lower half stays zero.
  widened.setUint16(0, bytes.getUint16(at, true));
  out[first] = widened.getFloat32(0);
};
