// The error that a matrix product may make: sums of products, weights that are rounded on their way to float32, and, for
// 8-bit activations, ties of the quantiser that may fall either way (set-valued: one step each).
import { gamma, type Arithmetic } from '../reference/arithmetic.ts';
import type { Products } from '../reference/matmul.ts';
import type { OpReference } from './op-budget.ts';

/** @param isWeightRounded the weights are one rounding away from what is stored: their type is not `isExact` */
export function matmulBudget(
  { y, magnitude, stepMagnitude }: Products,
  columnCount: number,
  isWeightRounded: boolean,
  { unit, sumUnit, tiny, rowDepth, expectedSum }: Arithmetic,
): OpReference {
  if (magnitude === null) throw new RangeError('the budget of a matmul is made of its magnitude');
  const weight = isWeightRounded ? 1 : 0;
  const depth = rowDepth(columnCount) + weight;
  const tier = (relative: number, store: number): Float64Array =>
    magnitude.map(
      (m, i) => relative * m + store * Math.abs(y[i] ?? 0) + (stepMagnitude?.[i] ?? 0) + tiny * columnCount,
    );
  // Where the accumulator is what is stored, nothing is rounded on the way out.
  const store = unit === sumUnit ? 0 : unit;
  return {
    reference: y,
    expected: tier(gamma(Math.min(expectedSum(columnCount), depth), sumUnit), store),
    proven: tier(gamma(depth, sumUnit), store),
    magnitude,
  };
}
