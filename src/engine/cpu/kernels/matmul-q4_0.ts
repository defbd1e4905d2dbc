// Matrix product with q4_0 weights. Block layout: formats/tensor-types/q4_0.ts; order of summation: lib/dot.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { MatmulFunctions } from './matmul.ts';

export const matmulQ40Kernel: Kernel<MatmulFunctions> = defineKernel(new URL('./matmul-q4_0.wasm', import.meta.url));
