// Matrix product with q5_1 weights. Block layout: formats/tensor-types/q5_1.ts; order of summation: lib/dot.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { MatmulFunctions } from './matmul.ts';

export const matmulQ51Kernel: Kernel<MatmulFunctions> = defineKernel(new URL('./matmul-q5_1.wasm', import.meta.url));
