// Matrix product with q4_k weights. Block layout: formats/tensor-types/q4_k.ts; order of summation: lib/dot.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { MatmulFunctions } from './matmul.ts';

export const matmulQ4KKernel: Kernel<MatmulFunctions> = defineKernel(new URL('./matmul-q4_k.wasm', import.meta.url));
