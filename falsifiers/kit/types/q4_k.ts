// q4_k as its claims need it.
import { matmulQ4KKernel } from '../../../src/engine/cpu/kernels/matmul-q4_k.ts';
import { q4_k as type } from '../../../src/engine/formats/tensor-types/q4_k.ts';
import { q4_k as exact } from '../../../src/oracles/float64/dequantize/q4_k.ts';
import type { StoredType } from './stored-type.ts';

export const q4_k: StoredType = {
  type,
  kernel: matmulQ4KKernel,
  exact,
  trained: [{ need: 'model:sums-2m', file: 'sums-2m.q4_k_m.gguf' }, { need: 'model:gemma3-270m' }],
};
