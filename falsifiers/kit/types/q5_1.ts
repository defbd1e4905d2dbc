// q5_1 as its claims need it.
import { matmulQ51Kernel } from '../../../src/engine/cpu/kernels/matmul-q5_1.ts';
import { q5_1 as type } from '../../../src/engine/formats/tensor-types/q5_1.ts';
import { q5_1 as exact } from '../../../src/oracles/float64/dequantize/q5_1.ts';
import { type BlockQuantiser, nearest, putHalf, putQuants } from '../models/quantise.ts';
import type { StoredType } from './stored-type.ts';

const quantise: BlockQuantiser = (values, view) => {
  const minimum = putHalf(view, 2, Math.min(...values));
  const scale = putHalf(view, 0, (Math.max(...values) - minimum) / 31);
  const quants = Array.from(values, (x) => nearest((x - minimum) / scale, 31));
  putQuants(view, 8, 4, quants);
};

export const q5_1: StoredType = { type, kernel: matmulQ51Kernel, exact, trained: quantise };
