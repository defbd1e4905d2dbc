// Matrix product with q4_1 weights. Block layout: formats/tensor-types/q4_1.ts; order of summation: lib/dot.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { MatmulFunctions } from './matmul.ts';

export const matmulQ41Kernel: Kernel<MatmulFunctions> = defineKernel(new URL('./matmul-q4_1.wasm', import.meta.url));
