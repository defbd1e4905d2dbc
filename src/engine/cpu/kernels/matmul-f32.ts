// Matrix product with f32 weights. Block layout and decoder: matmul-f32.as.ts; order of summation: lib/dot.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { MatmulFunctions } from './matmul.ts';

export const matmulF32Kernel: Kernel<MatmulFunctions> = defineKernel(new URL('./matmul-f32.wasm', import.meta.url));
