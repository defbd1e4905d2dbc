// q3_k: 256 values in 110 bytes, 16 groups g of 16 values. Value = d · (scale_g − 32) · (q − 4).
//
//   bytes   0 …  31   q       the third bit: value 32k + l (l < 32) has bit k of byte l
//   bytes  32 …  95   q       the lower two bits: 32 bytes for each half of 128 values. Of a half, value 32k + l has bits
//                             2k, 2k + 1 of byte l
//   bytes  96 … 103   scales  the lower four bits: byte i has scale i in its low nibble, scale i + 8 in its high one
//   bytes 104 … 107   scales  the upper two bits: scale 4k + i (i < 4) has bits 2k, 2k + 1 of byte i
//   bytes 108 … 109   d       f16
import type { TensorType } from './tensor-type.ts';

export const q3_k: TensorType = {
  label: 'q3_k',
  ggmlId: 11,
  blockElements: 256,
  blockBytes: 110,
  halves: [108],
  isExact: true,
  activationPartner: 'q8_k',
};
