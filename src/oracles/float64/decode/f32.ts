// f32: one element in 4 bytes, an IEEE 754 binary32, little-endian. A double holds it exactly.
import type { BlockFormat } from './block-format.ts';

export const f32: BlockFormat = {
  blockElements: 1,
  blockBytes: 4,
  decodeBlock(bytes, at, out, first) {
    out[first] = bytes.getFloat32(at, true);
  },
};
