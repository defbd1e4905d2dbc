// q2_k as its claims need it.
import { matmulQ2KKernel } from '../../../src/engine/cpu/kernels/matmul-q2_k.ts';
import { q2_k as type } from '../../../src/engine/formats/tensor-types/q2_k.ts';
import { q2_k as exact } from '../../../src/oracles/float64/dequantize/q2_k.ts';
import { nearest, putHalf, type BlockQuantiser } from '../models/quantise.ts';
import type { StoredType } from './stored-type.ts';

const quantise: BlockQuantiser = (values, view) => {
  const groups = Array.from({ length: 16 }, (_, g) => values.subarray(16 * g, 16 * (g + 1)));
  const minima = groups.map((group) => Math.max(0, -Math.min(...group)));
  const steps = groups.map((group, g) => Math.max(0, Math.max(...group) + (minima[g] ?? 0)) / 3);
  const d = putHalf(view, 80, Math.max(...steps) / 15);
  const dmin = putHalf(view, 82, Math.max(...minima) / 15);
  const add = (at: number, value: number): void => view.setUint8(at, view.getUint8(at) + value);
  for (const [g, group] of groups.entries()) {
    const [scale, minimum] = [nearest((steps[g] ?? 0) / d, 15), nearest((minima[g] ?? 0) / dmin, 15)];
    add(g, scale + 16 * minimum);
    for (const [i, x] of group.entries()) {
      const [half, quarter, lane] = [Math.floor(g / 8), Math.floor(g / 2) % 4, 16 * (g % 2) + i];
      add(16 + 32 * half + lane, nearest((x + dmin * minimum) / (d * scale), 3) * 4 ** quarter);
    }
  }
};

export const q2_k: StoredType = { type, kernel: matmulQ2KKernel, exact, trained: quantise };
