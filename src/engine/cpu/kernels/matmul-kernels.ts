// The matrix kernel of each tensor type, and proof that none is missing.
import type { TensorTypeName } from '../../formats/tensor-types.ts';
import type { Kernel } from './define-kernel.ts';
import * as byType from './matmul-by-type.ts';
import type { MatmulFunctions } from './matmul.ts';

export const MATMUL_KERNELS: Readonly<Record<TensorTypeName, Kernel<MatmulFunctions>>> = byType;
