// Matrix product with f32 weights. Block layout: formats/tensor-types/f32.ts; order of summation: lib/dot.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { MatmulFunctions } from './matmul.ts';

export const matmulF32Kernel: Kernel<MatmulFunctions> = defineKernel(new URL('./matmul-f32.wasm', import.meta.url));
