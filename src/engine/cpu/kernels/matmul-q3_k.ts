// Matrix product with q3_k weights. Block layout: formats/tensor-types/q3_k.ts; order of summation: lib/dot.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { MatmulFunctions } from './matmul.ts';

export const matmulQ3KKernel: Kernel<MatmulFunctions> = defineKernel(new URL('./matmul-q3_k.wasm', import.meta.url));
