// q5_k: 256 values in 176 bytes, eight sub-blocks j of 32 values. Value = d · scale_j · q − dmin · min_j.
//
//   bytes   0 …  15   d, dmin, scales and mins as in q4_k
//   bytes  16 …  47   q       the fifth bit of value l of sub-block j is bit j of byte l
//   bytes  48 … 175   q       the lower four bits: nibbles as in q4_k
import type { TensorType } from './tensor-type.ts';

export const q5_k: TensorType = {
  label: 'q5_k',
  ggmlId: 13,
  blockElements: 256,
  blockBytes: 176,
  halves: [0, 2],
  isExact: false,
  activationPartner: 'q8_k',
};
