// f16: one value in 2 bytes, an IEEE 754 binary16 (sign 1 | exponent 5 | mantissa 10), little-endian.
import type { TensorType } from './tensor-type.ts';

export const f16: TensorType = {
  label: 'f16',
  ggmlId: 1,
  blockElements: 1,
  blockBytes: 2,
  halves: [0],
  isExact: true,
  activationPartner: 'f16',
};
