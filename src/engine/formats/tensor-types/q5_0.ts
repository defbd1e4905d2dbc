// q5_0: 32 values in 22 bytes. Value = d · (q − 16).
//
//   bytes  0 …  1   d      f16
//   bytes  2 …  5   q      the fifth bit of value i is bit i of these 32
//   bytes  6 … 21   q      the lower four bits: nibbles as in q4_0
import type { TensorType } from './tensor-type.ts';

export const q5_0: TensorType = {
  label: 'q5_0',
  ggmlId: 6,
  blockElements: 32,
  blockBytes: 22,
  halves: [0],
  isExact: true,
  activationPartner: 'q8_0',
};
