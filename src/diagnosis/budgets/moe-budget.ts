// The errors that the ops of a mixture of experts may make: shares of chosen experts, products with an expert's own rows,
// and the weighted sum of the slots. Which experts are chosen is exact: the captured logits decide, ties by lower id.
import type { Op, WeightSource } from '../../engine/index.ts';
import { readRows } from '../../oracles/index.ts';
import { gamma, type Arithmetic } from './arithmetic.ts';
import type { OpReference } from './op-budget.ts';

/**
 * A share is a softmax over all experts, divided by the sum of the chosen ones: the exponential and the shift of its own
 * score, and on average of the others; two sums and two quotients.
 */
export function routeBudget(
  logits: Float64Array,
  reference: Float64Array,
  rowCount: number,
  { unit, tiny, expUnits, quotientUnits }: Arithmetic,
): OpReference {
  const [expertCount, usedCount] = [logits.length / rowCount, reference.length / rowCount];
  const proven = reference.map((share, i) => {
    const row = Math.floor(i / usedCount);
    const own = logits.subarray(row * expertCount, (row + 1) * expertCount);
    const largest = own.reduce((most, logit) => Math.max(most, logit), -Infinity);
    const furthest = own.reduce((most, logit) => Math.max(most, largest - logit), 0);
    const units = 2 * (furthest + expUnits(furthest)) + 2 * expertCount + 2 * quotientUnits;
    return gamma(units, unit) * Math.abs(share) + tiny;
  });
  return { reference, expected: proven, proven, magnitude: null };
}

/** Σ_s shares[s] · in[s, c]: one product and at most as many sums as there are slots. */
export function slotSumBudget(
  x: Float64Array,
  shares: Float64Array,
  reference: Float64Array,
  rowCount: number,
  { unit, tiny }: Arithmetic,
): OpReference {
  const slotCount = shares.length / rowCount;
  const width = reference.length / rowCount;
  const proven = reference.map((_, i) => {
    const [row, c] = [Math.floor(i / width), i % width];
    let magnitude = 0;
    for (let s = row * slotCount; s < (row + 1) * slotCount; s += 1) {
      magnitude += Math.abs((shares[s] ?? 0) * (x[s * width + c] ?? 0));
    }
    return gamma(slotCount + 1, unit) * magnitude + tiny;
  });
  return { reference, expected: proven, proven, magnitude: null };
}

/** As a matmul, with the rows of the expert that each slot asks for. */
export async function expertBudget(
  op: Extract<Op, { op: 'expertMatmul' }>,
  x: Float64Array,
  experts: Float64Array,
  reference: Float64Array,
  rowCount: number,
  weights: WeightSource,
  isWeightRounded: boolean,
  { unit, sumUnit, tiny, rowDepth, expectedSum }: Arithmetic,
): Promise<OpReference> {
  const columns = weights.info(op.weight)?.shape.at(-1) ?? 0;
  const height = reference.length / experts.length;
  const slotCount = experts.length / rowCount;
  const magnitude = new Float64Array(reference.length);
  const read = new Map<number, Float64Array>();
  for (const [slot, expert] of experts.entries()) {
    const matrix = read.get(expert) ?? (await readRows(weights, op.weight, columns, expert * height, height));
    read.set(expert, matrix);
    const at = (x.length === rowCount * columns ? Math.floor(slot / slotCount) : slot) * columns;
    for (let r = 0; r < height; r += 1) {
      let sum = 0;
      for (let c = 0; c < columns; c += 1) sum += Math.abs((matrix[r * columns + c] ?? 0) * (x[at + c] ?? 0));
      magnitude[slot * height + r] = sum;
    }
  }
  const depth = rowDepth(columns) + (isWeightRounded ? 1 : 0);
  const store = unit === sumUnit ? 0 : unit;
  const tier = (relative: number): Float64Array =>
    magnitude.map((m, i) => relative * m + store * Math.abs(reference[i] ?? 0) + tiny * columns);
  return {
    reference,
    expected: tier(gamma(Math.min(expectedSum(columns), depth), sumUnit)),
    proven: tier(gamma(depth, sumUnit)),
    magnitude,
  };
}
