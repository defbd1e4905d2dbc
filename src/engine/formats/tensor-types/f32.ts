// f32: one value in 4 bytes, an IEEE 754 binary32, little-endian.
import type { TensorType } from './tensor-type.ts';

export const f32: TensorType = {
  label: 'f32',
  ggmlId: 0,
  blockElements: 1,
  blockBytes: 4,
  halves: [],
  isExact: true,
  activationPartner: null,
};
