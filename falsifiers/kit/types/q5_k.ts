// q5_k as its claims need it.
import { matmulQ5KKernel } from '../../../src/engine/cpu/kernels/matmul-q5_k.ts';
import { q5_k as type } from '../../../src/engine/formats/tensor-types/q5_k.ts';
import { q5_k as exact } from '../../../src/oracles/float64/dequantize/q5_k.ts';
import { type BlockQuantiser, nearest, putHalf } from '../models/quantise.ts';
import type { StoredType } from './stored-type.ts';

const quantise: BlockQuantiser = (values, view) => {
  const parts = Array.from({ length: 8 }, (_, j) => values.subarray(32 * j, 32 * (j + 1)));
  const minima = parts.map((part) => Math.max(0, -Math.min(...part)));
  const scales = parts.map((part, j) => (Math.max(...part) + (minima[j] ?? 0)) / 31);
  const d = putHalf(view, 0, Math.max(...scales) / 63);
  const dmin = putHalf(view, 2, Math.max(...minima) / 63);
  for (const [j, part] of parts.entries()) {
    const scale = nearest((scales[j] ?? 0) / d, 63);
    const minimum = nearest((minima[j] ?? 0) / dmin, 63);
    putScale(view, j, scale, minimum);
    for (const [i, x] of part.entries()) putQuant(view, j, i, nearest((x + dmin * minimum) / (d * scale), 31));
  }
};

function putScale(view: DataView, j: number, scale: number, minimum: number): void {
  const add = (at: number, value: number): void => view.setUint8(at, view.getUint8(at) + value);
  if (j < 4) {
    add(4 + j, scale);
    add(8 + j, minimum);
  } else {
    add(8 + j, (scale % 16) + 16 * (minimum % 16));
    add(j, 64 * Math.floor(scale / 16));
    add(4 + j, 64 * Math.floor(minimum / 16));
  }
}

function putQuant(view: DataView, j: number, i: number, quant: number): void {
  const nibbleAt = 48 + 32 * Math.floor(j / 2) + i;
  view.setUint8(nibbleAt, view.getUint8(nibbleAt) + (quant % 16) * (j % 2 === 0 ? 1 : 16));
  if (quant >= 16) view.setUint8(16 + i, view.getUint8(16 + i) + 2 ** j);
}

export const q5_k: StoredType = { type, kernel: matmulQ5KKernel, exact, trained: quantise };
