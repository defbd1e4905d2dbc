// Matrix product with q5_k weights. Block layout: formats/tensor-types/q5_k.ts; order of summation: lib/dot.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { MatmulFunctions } from './matmul.ts';

export const matmulQ5KKernel: Kernel<MatmulFunctions> = defineKernel(new URL('./matmul-q5_k.wasm', import.meta.url));
