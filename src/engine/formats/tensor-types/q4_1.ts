// q4_1: 32 values in 20 bytes. Value = d · q + m.
//
//   bytes  0 …  1   d      f16
//   bytes  2 …  3   m      f16
//   bytes  4 … 19   q      nibbles as in q4_0
import type { TensorType } from './tensor-type.ts';

export const q4_1: TensorType = {
  label: 'q4_1',
  ggmlId: 3,
  blockElements: 32,
  blockBytes: 20,
  halves: [0, 2],
  isExact: false,
  activationPartner: 'q8_1',
};
