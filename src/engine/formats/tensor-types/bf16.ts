// bf16: one value in 2 bytes, the upper half of an IEEE 754 binary32, little-endian.
import type { TensorType } from './tensor-type.ts';

export const bf16: TensorType = {
  label: 'bf16',
  ggmlId: 30,
  blockElements: 1,
  blockBytes: 2,
  halves: [],
  isExact: true,
  activationPartner: 'bf16',
};
