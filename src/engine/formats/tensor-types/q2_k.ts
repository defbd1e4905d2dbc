// q2_k: 256 values in 84 bytes, 16 groups g of 16 values. Value = d · scale_g · q − dmin · min_g.
//
//   bytes   0 …  15   scales  byte g: scale g in the low nibble, min g in the high one
//   bytes  16 …  79   q       32 bytes for each half of 128 values. Of a half, value 32k + l has bits 2k, 2k + 1 of byte l
//   bytes  80 …  81   d       f16
//   bytes  82 …  83   dmin    f16
import type { TensorType } from './tensor-type.ts';

export const q2_k: TensorType = {
  label: 'q2_k',
  ggmlId: 10,
  blockElements: 256,
  blockBytes: 84,
  halves: [80, 82],
  isExact: false,
  activationPartner: 'q8_k',
};
