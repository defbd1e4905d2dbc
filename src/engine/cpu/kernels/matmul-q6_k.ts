// Matrix product with q6_k weights. Block layout: formats/tensor-types/q6_k.ts; order of summation: lib/dot.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { MatmulFunctions } from './matmul.ts';

export const matmulQ6KKernel: Kernel<MatmulFunctions> = defineKernel(new URL('./matmul-q6_k.wasm', import.meta.url));
