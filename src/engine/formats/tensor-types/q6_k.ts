// q6_k: 256 values in 210 bytes, 16 groups g of 16 values. Value = d · scale_g · (q − 32).
//
//   bytes   0 … 127   q       the lower four bits: 64 bytes for each half of 128 values. Of a half, value l (l < 64) is the low
//                             nibble of byte l, value l + 64 the high one
//   bytes 128 … 191   q       the upper two bits: 32 bytes for each half. Of a half, value 32k + l has bits 2k, 2k + 1 of byte l
//   bytes 192 … 207   scales  i8
//   bytes 208 … 209   d       f16
import type { TensorType } from './tensor-type.ts';

export const q6_k: TensorType = {
  label: 'q6_k',
  ggmlId: 14,
  blockElements: 256,
  blockBytes: 210,
  halves: [208],
  isExact: true,
  activationPartner: 'q8_k',
};
