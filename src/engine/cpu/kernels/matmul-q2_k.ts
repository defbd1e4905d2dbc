// Matrix product with q2_k weights. Block layout: formats/tensor-types/q2_k.ts; order of summation: lib/dot.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { MatmulFunctions } from './matmul.ts';

export const matmulQ2KKernel: Kernel<MatmulFunctions> = defineKernel(new URL('./matmul-q2_k.wasm', import.meta.url));
