// q3_k as its claims need it.
import { matmulQ3KKernel } from '../../../src/engine/cpu/kernels/matmul-q3_k.ts';
import { q3_k as type } from '../../../src/engine/formats/tensor-types/q3_k.ts';
import { q3_k as exact } from '../../../src/oracles/float64/dequantize/q3_k.ts';
import { nearest, putHalf, type BlockQuantiser } from '../models/quantise.ts';
import type { StoredType } from './stored-type.ts';

/** The value of largest magnitude in a group is 4 steps down; the largest step is 32 of d. */
const quantise: BlockQuantiser = (values, view) => {
  const groups = Array.from({ length: 16 }, (_, g) => values.subarray(16 * g, 16 * (g + 1)));
  const steps = groups.map((group) => extremeOf(group) / -4);
  const d = putHalf(view, 108, extremeOf(steps) / -32);
  for (const [g, group] of groups.entries()) {
    const scale = nearest((steps[g] ?? 0) / d + 32, 63);
    putScale(view, g, scale);
    for (const [i, x] of group.entries()) putQuant(view, 16 * g + i, nearest(x / (d * (scale - 32)) + 4, 7));
  }
};

function extremeOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((best, x) => (Math.abs(x) > Math.abs(best) ? x : best), 0);
}

function putScale(view: DataView, g: number, scale: number): void {
  const add = (at: number, value: number): void => view.setUint8(at, view.getUint8(at) + value);
  add(96 + (g % 8), (scale % 16) * (g < 8 ? 1 : 16));
  add(104 + (g % 4), Math.floor(scale / 16) * 4 ** Math.floor(g / 4));
}

function putQuant(view: DataView, i: number, quant: number): void {
  const add = (at: number, value: number): void => view.setUint8(at, view.getUint8(at) + value);
  const [half, part, lane] = [Math.floor(i / 128), Math.floor(i / 32), i % 32];
  add(32 + 32 * half + lane, (quant % 4) * 4 ** (part % 4));
  add(lane, Math.floor(quant / 4) * 2 ** part);
}

export const q3_k: StoredType = { type, kernel: matmulQ3KKernel, exact, trained: quantise };
