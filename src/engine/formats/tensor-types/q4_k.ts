// q4_k: 256 values in 144 bytes, eight sub-blocks j of 32 values. Value = d · scale_j · q − dmin · min_j.
//
//   bytes   0 …   1   d       f16
//   bytes   2 …   3   dmin    f16
//   bytes   4 …   7   scales  low 6 bits: scale 0 … 3;  high 2 bits: the upper bits of scale 4 … 7
//   bytes   8 …  11   mins    low 6 bits: min 0 … 3;    high 2 bits: the upper bits of min 4 … 7
//   bytes  12 …  15   both    low nibble: the lower bits of scale 4 … 7;  high nibble: of min 4 … 7
//   bytes  16 … 143   q       32 bytes for sub-blocks 2i (low nibbles) and 2i + 1 (high nibbles), i = 0 … 3
import type { TensorType } from './tensor-type.ts';

export const q4_k: TensorType = {
  label: 'q4_k',
  ggmlId: 12,
  blockElements: 256,
  blockBytes: 144,
  halves: [0, 2],
  isExact: false,
  activationPartner: 'q8_k',
};
