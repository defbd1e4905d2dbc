// f16 as its claims need it.
import { matmulF16Kernel } from '../../../src/engine/cpu/kernels/matmul-f16.ts';
import { f16 as type } from '../../../src/engine/formats/tensor-types/f16.ts';
import { f16 as exact } from '../../../src/oracles/float64/dequantize/f16.ts';
import type { StoredType } from './stored-type.ts';

export const f16: StoredType = {
  type,
  kernel: matmulF16Kernel,
  exact,
  trained: [{ need: 'model:sums-2m', file: 'sums-2m.f16.gguf' }],
};
