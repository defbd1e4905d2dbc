// out[p, s, r] = Σ_c W[e, r, c] · x[c] with e = experts[p, s]; x is the position's own input, or its slot s where the
// input has one for each. Reads an expert's rows where a slot asks for them.
import type { WeightSource } from '../../../engine/program/executor.ts';
import { elementCountOf } from '../../../engine/formats/tensor-types.ts';
import type { Op } from '../../../engine/program/program.ts';
import { readRows } from '../weights.ts';
import { dot } from './dot.ts';

/**
 * @param x       [rows, columns] or [rows, slots, columns]
 * @param experts [rows, slots], ids
 * @returns [rows, slots, rows of one expert]
 */
export async function expertMatmul(
  op: Extract<Op, { op: 'expertMatmul' }>,
  x: Float64Array,
  experts: Float64Array,
  rowCount: number,
  weights: WeightSource,
): Promise<Float64Array> {
  const shape = weights.info(op.weight)?.shape ?? [];
  const columns = shape.at(-1) ?? 0;
  const height = elementCountOf(shape) / columns / op.expertCount;
  const slotCount = experts.length / rowCount;
  const out = new Float64Array(experts.length * height);
  const read = new Map<number, Float64Array>();
  for (const [slot, expert] of experts.entries()) {
    const matrix = read.get(expert) ?? (await readRows(weights, op.weight, columns, expert * height, height));
    read.set(expert, matrix);
    const at = (x.length === rowCount * columns ? Math.floor(slot / slotCount) : slot) * columns;
    for (let r = 0; r < height; r += 1) out[slot * height + r] = dot(matrix, r * columns, x, at, columns);
  }
  return out;
}
