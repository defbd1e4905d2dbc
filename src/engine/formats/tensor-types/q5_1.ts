// q5_1: 32 values in 24 bytes. Value = d · q + m.
//
//   bytes  0 …  1   d      f16
//   bytes  2 …  3   m      f16
//   bytes  4 …  7   q      the fifth bit of value i is bit i of these 32
//   bytes  8 … 23   q      the lower four bits: nibbles as in q4_0
import type { TensorType } from './tensor-type.ts';

export const q5_1: TensorType = {
  label: 'q5_1',
  ggmlId: 7,
  blockElements: 32,
  blockBytes: 24,
  halves: [0, 2],
  isExact: false,
  activationPartner: 'q8_1',
};
