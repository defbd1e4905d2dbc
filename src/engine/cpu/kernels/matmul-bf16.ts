// Matrix product with bf16 weights. Block layout: formats/tensor-types/bf16.ts; order of summation: lib/dot.as.ts.
import { defineKernel, type Kernel } from './define-kernel.ts';
import type { MatmulFunctions } from './matmul.ts';

export const matmulBf16Kernel: Kernel<MatmulFunctions> = defineKernel(new URL('./matmul-bf16.wasm', import.meta.url));
