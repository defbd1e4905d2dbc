// The matrix kernel of each tensor type.
import type { TensorTypeName } from '../../formats/tensor-types.ts';
import type { Kernel } from './define-kernel.ts';
import { matmulBf16Kernel } from './matmul-bf16.ts';
import { matmulF16Kernel } from './matmul-f16.ts';
import { matmulF32Kernel } from './matmul-f32.ts';
import { matmulQ40Kernel } from './matmul-q4_0.ts';
import { matmulQ41Kernel } from './matmul-q4_1.ts';
import { matmulQ4KKernel } from './matmul-q4_k.ts';
import { matmulQ50Kernel } from './matmul-q5_0.ts';
import { matmulQ51Kernel } from './matmul-q5_1.ts';
import { matmulQ5KKernel } from './matmul-q5_k.ts';
import { matmulQ6KKernel } from './matmul-q6_k.ts';
import { matmulQ80Kernel } from './matmul-q8_0.ts';
import type { MatmulFunctions } from './matmul.ts';

export const MATMUL_KERNELS: Readonly<Record<TensorTypeName, Kernel<MatmulFunctions>>> = {
  f32: matmulF32Kernel,
  f16: matmulF16Kernel,
  bf16: matmulBf16Kernel,
  q4_0: matmulQ40Kernel,
  q4_1: matmulQ41Kernel,
  q5_0: matmulQ50Kernel,
  q5_1: matmulQ51Kernel,
  q8_0: matmulQ80Kernel,
  q4_k: matmulQ4KKernel,
  q5_k: matmulQ5KKernel,
  q6_k: matmulQ6KKernel,
};
