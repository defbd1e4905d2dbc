// q8_0 as its claims need it.
import { matmulQ80Kernel } from '../../../src/engine/cpu/kernels/matmul-q8_0.ts';
import { q8_0 as type } from '../../../src/engine/formats/tensor-types/q8_0.ts';
import { q8_0 as exact } from '../../../src/oracles/float64/dequantize/q8_0.ts';
import type { StoredType } from './stored-type.ts';

export const q8_0: StoredType = {
  type,
  kernel: matmulQ80Kernel,
  exact,
  trained: [{ need: 'model:smollm2' }, { need: 'model:gemma3-270m' }],
};
