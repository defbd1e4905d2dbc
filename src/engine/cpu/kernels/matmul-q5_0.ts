// Matrix product with q5_0 weights. Block layout: formats/tensor-types/q5_0.ts; order of summation: lib/dot.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { MatmulFunctions } from './matmul.ts';

export const matmulQ50Kernel: Kernel<MatmulFunctions> = defineKernel(new URL('./matmul-q5_0.wasm', import.meta.url));
