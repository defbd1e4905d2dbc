// q6_k as its claims need it.
import { matmulQ6KKernel } from '../../../src/engine/cpu/kernels/matmul-q6_k.ts';
import { q6_k as type } from '../../../src/engine/formats/tensor-types/q6_k.ts';
import { q6_k as exact } from '../../../src/oracles/float64/dequantize/q6_k.ts';
import type { StoredType } from './stored-type.ts';

export const q6_k: StoredType = {
  type,
  kernel: matmulQ6KKernel,
  exact,
  trained: [{ need: 'model:sums-2m', file: 'sums-2m.q4_k_m.gguf' }, { need: 'model:gemma3-270m' }],
};
