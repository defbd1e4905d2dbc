// q5_0 as its claims need it.
import { matmulQ50Kernel } from '../../../src/engine/cpu/kernels/matmul-q5_0.ts';
import { q5_0 as type } from '../../../src/engine/formats/tensor-types/q5_0.ts';
import { q5_0 as exact } from '../../../src/oracles/float64/dequantize/q5_0.ts';
import type { StoredType } from './stored-type.ts';

export const q5_0: StoredType = { type, kernel: matmulQ50Kernel, exact, trained: [{ need: 'model:gemma3-270m' }] };
