// q4_1 as its claims need it.
import { matmulQ41Kernel } from '../../../src/engine/cpu/kernels/matmul-q4_1.ts';
import { q4_1 as type } from '../../../src/engine/formats/tensor-types/q4_1.ts';
import { q4_1 as exact } from '../../../src/oracles/float64/dequantize/q4_1.ts';
import type { StoredType } from './stored-type.ts';

export const q4_1: StoredType = { type, kernel: matmulQ41Kernel, exact, trained: [{ need: 'model:smollm2' }] };
