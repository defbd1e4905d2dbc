// f16: one element in 2 bytes, an IEEE 754 binary16, little-endian.
import type { BlockFormat } from './block-format.ts';
import { halfToDouble } from './half.ts';

export const f16: BlockFormat = {
  blockElements: 1,
  blockBytes: 2,
  decodeBlock(bytes, at, out, first) {
    out[first] = halfToDouble(bytes.getUint16(at, true));
  },
};
