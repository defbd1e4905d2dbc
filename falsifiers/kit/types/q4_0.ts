// q4_0 as its claims need it.
import { matmulQ40Kernel } from '../../../src/engine/cpu/kernels/matmul-q4_0.ts';
import { q4_0 as type } from '../../../src/engine/formats/tensor-types/q4_0.ts';
import { q4_0 as exact } from '../../../src/oracles/float64/dequantize/q4_0.ts';
import { symmetric } from '../models/quantise.ts';
import type { StoredType } from './stored-type.ts';

export const q4_0: StoredType = { type, kernel: matmulQ40Kernel, exact, trained: symmetric(8, 2) };
