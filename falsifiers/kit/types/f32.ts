// f32 as its claims need it.
import { matmulF32Kernel } from '../../../src/engine/cpu/kernels/matmul-f32.ts';
import { f32 as type } from '../../../src/engine/formats/tensor-types/f32.ts';
import { f32 as exact } from '../../../src/oracles/float64/dequantize/f32.ts';
import type { StoredType } from './stored-type.ts';

export const f32: StoredType = {
  type,
  kernel: matmulF32Kernel,
  exact,
  trained: [{ need: 'model:sums-2m', file: 'sums-2m.f16.gguf' }],
};
