// The errors that the ops of a mixture of experts may make: shares of chosen experts, products with an expert's own rows,
// and the weighted sum of the slots. Which experts are chosen is exact: the captured logits decide, ties by lower id.
import type { Op } from '../../engine/program/program.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import { readRows } from '../../oracles/float64/weights.ts';
import { gamma, type Arithmetic } from '../reference/arithmetic.ts';
import { matmulBudget } from './matmul-budget.ts';
import type { OpReference } from './op-budget.ts';

/** e^x is below half of the least subnormal of float32 from here on. */
const LEAST_EXPONENT = -105;

/**
 * share_s = e_s / D. A power is off by u·|l − max| (the rounded difference) and by the exponential's own error; D by the
 * mean of those, each by its part of D, and by the roundings of its sum; one quotient, or three where an engine divides by
 * the sum over all experts first. A power that underflows is off by `tiny`, of which D makes tiny / D; and so may
 * the quotient be.
 */
export function routeBudget(
  { isRenormalised }: Pick<Extract<Op, { op: 'moeRoute' }>, 'isRenormalised'>,
  logits: Float64Array,
  experts: Float64Array,
  reference: Float64Array,
  rowCount: number,
  { unit, tiny, expUnits, quotientUnits }: Arithmetic,
): OpReference {
  const [expertCount, usedCount] = [logits.length / rowCount, reference.length / rowCount];
  const proven = new Float64Array(reference.length);
  for (let row = 0; row < rowCount; row += 1) {
    const own = logits.subarray(row * expertCount, (row + 1) * expertCount);
    const chosen = experts.subarray(row * usedCount, (row + 1) * usedCount);
    const largest = own.reduce((most, logit) => Math.max(most, logit), -Infinity);
    const belowOf = (id: number): number => (own[id] ?? Number.NaN) - largest;
    const offBy = (below: number): number => (below < LEAST_EXPONENT ? 0 : unit * (Math.abs(below) + expUnits(below)));
    const summed = isRenormalised ? Array.from(chosen, belowOf) : Array.from(own, (logit) => logit - largest);
    const total = summed.reduce((sum, below) => sum + Math.exp(below), 0);
    const ofPowers = summed.reduce((sum, below) => sum + (Math.exp(below) / total) * Math.expm1(offBy(below)), 0);
    const ofTotal = ofPowers + gamma(summed.length, unit);
    for (const [slot, id] of chosen.entries()) {
      const at = row * usedCount + slot;
      const share = Math.abs(reference[at] ?? 0);
      // 1 / (1 − a) ≤ e^(a / (1 − a)).
      const relative = Math.expm1(offBy(belowOf(id)) + ofTotal / (1 - ofTotal) + 3 * quotientUnits * unit);
      proven[at] = (ofTotal < 1 ? relative : Infinity) * share + tiny * (1 + (1 + share * summed.length) / total);
    }
  }
  return { reference, expected: proven, proven, magnitude: null };
}

/** Σ_s shares[s] · in[s, c]: one product, which may underflow, and at most as many sums as there are slots. */
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
    return gamma(slotCount + 1, unit) * magnitude + slotCount * tiny;
  });
  return { reference, expected: proven, proven, magnitude: null };
}

/** As a matmul, with the rows of the expert that each slot asks for. @param input.steps of a tie of an 8-bit input */
export async function expertBudget(
  op: Extract<Op, { op: 'expertMatmul' }>,
  { x, steps, experts }: { x: Float64Array; steps: Float64Array | null; experts: Float64Array },
  reference: Float64Array,
  rowCount: number,
  weights: WeightSource,
  isWeightRounded: boolean,
  arithmetic: Arithmetic,
): Promise<OpReference> {
  const columns = weights.info(op.weight)?.shape.at(-1) ?? 0;
  const height = reference.length / experts.length;
  const slotCount = experts.length / rowCount;
  const magnitude = new Float64Array(reference.length);
  const stepMagnitude = steps === null ? null : new Float64Array(reference.length);
  const read = new Map<number, Float64Array>();
  for (const [slot, expert] of experts.entries()) {
    const matrix = read.get(expert) ?? (await readRows(weights, op.weight, columns, expert * height, height));
    read.set(expert, matrix);
    const at = (x.length === rowCount * columns ? Math.floor(slot / slotCount) : slot) * columns;
    for (let r = 0; r < height; r += 1) {
      magnitude[slot * height + r] = magnitudeOf(matrix, r * columns, x, at, columns);
      if (steps === null || stepMagnitude === null) continue;
      stepMagnitude[slot * height + r] = magnitudeOf(matrix, r * columns, steps, at, columns);
    }
  }
  return matmulBudget({ y: reference, magnitude, stepMagnitude }, columns, isWeightRounded, arithmetic);
}

function magnitudeOf(w: Float64Array, wAt: number, x: Float64Array, xAt: number, count: number): number {
  let sum = 0;
  for (let c = 0; c < count; c += 1) sum += Math.abs((w[wAt + c] ?? 0) * (x[xAt + c] ?? 0));
  return sum;
}
