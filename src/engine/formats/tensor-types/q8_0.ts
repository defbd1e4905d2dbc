// q8_0: 32 values in 34 bytes. Value = d · q.
//
//   bytes  0 …  1   d      f16
//   bytes  2 … 33   q      i8
import type { TensorType } from './tensor-type.ts';

export const q8_0: TensorType = {
  label: 'q8_0',
  ggmlId: 8,
  blockElements: 32,
  blockBytes: 34,
  halves: [0],
  isExact: true,
  activationPartner: 'q8_0',
};
