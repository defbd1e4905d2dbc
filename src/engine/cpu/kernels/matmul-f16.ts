// Matrix product with f16 weights. Block layout: formats/tensor-types/f16.ts; order of summation: lib/dot.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { MatmulFunctions } from './matmul.ts';

export const matmulF16Kernel: Kernel<MatmulFunctions> = defineKernel(new URL('./matmul-f16.wasm', import.meta.url));
