// q4_0: 32 values in 18 bytes. Value = d · (q − 8).
//
//   bytes  0 …  1   d      f16
//   bytes  2 … 17   q      byte i: value i in the low nibble, value i + 16 in the high one
import type { TensorType } from './tensor-type.ts';

export const q4_0: TensorType = {
  label: 'q4_0',
  ggmlId: 2,
  blockElements: 32,
  blockBytes: 18,
  halves: [0],
  isExact: true,
  activationPartner: 'q8_0',
};
