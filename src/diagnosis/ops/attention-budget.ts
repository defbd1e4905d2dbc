// Attention over one chunk, with the error it may make. With out = Σ p_j v_j and p = softmax(s), a score that is off by
// δ_j moves the output by p_j·δ_j·(v_j − out) to first order, so keys that carry no weight or no news cost no budget:
//   B = Σ_j p_j |δ_j| |v_j − out|  +  c_T·u·(Σ_j p_j|v_j| + |out|)  +  u·|out|
//   δ_j = c_d·u·|scale|·Σ|q·k_j| + 2u|s_j| + u|s_j − max s| + the exponential's own error
// The proven tier takes c = γ and e^(2 max δ) for the terms of second order.
import type { AttentionOp } from '../../engine/program/program.ts';
import { gamma, type Arithmetic } from '../reference/arithmetic.ts';
import { TANH_UNITS } from './constants.ts';
import type { OpReference } from './op-budget.ts';

/**
 * @param q      [rows, headCount · headDim] of positions from the cache's length minus the rows on
 * @param keys   [positions, kvHeadCount · headDim] from position 0, as stored
 * @param values as keys
 * @param reference the oracle's answer on the same
 */
export function attentionBudget(
  op: AttentionOp,
  q: Float64Array,
  keys: Float64Array,
  values: Float64Array,
  reference: Float64Array,
  arithmetic: Arithmetic,
): OpReference {
  const { headCount, kvHeadCount, headDim, window } = op;
  const rowCount = q.length / (headCount * headDim);
  const positionCount = keys.length / (kvHeadCount * headDim);
  const expected = new Float64Array(reference.length);
  const proven = new Float64Array(reference.length);
  for (let row = 0; row < rowCount; row += 1) {
    const position = positionCount - rowCount + row;
    const first = window === null ? 0 : Math.max(0, position - window + 1);
    for (let head = 0; head < headCount; head += 1) {
      const at = (row * headCount + head) * headDim;
      const kvHead = Math.floor(head / (headCount / kvHeadCount));
      const seen: SeenKeys = {
        keys,
        values,
        first,
        count: position - first + 1,
        width: kvHeadCount * headDim,
        offset: kvHead * headDim,
      };
      budgetOfHead(op, q, at, seen, reference, arithmetic, expected, proven);
    }
  }
  return { reference, expected, proven, magnitude: null };
}

interface SeenKeys {
  keys: Float64Array;
  values: Float64Array;
  first: number;
  count: number;
  /** Between two positions, and to the head's channels. */
  width: number;
  offset: number;
}

function budgetOfHead(
  { headDim, scale, softcap }: AttentionOp,
  q: Float64Array,
  at: number,
  { keys, values, first, count, width, offset }: SeenKeys,
  reference: Float64Array,
  { unit, sumUnit, tiny, expUnits, quotientUnits, rowDepth, positionDepth, expectedSum }: Arithmetic,
  expected: Float64Array,
  proven: Float64Array,
): void {
  const scores = new Float64Array(count);
  const magnitudes = new Float64Array(count);
  let largest = -Infinity;
  for (let j = 0; j < count; j += 1) {
    const k = (first + j) * width + offset;
    let [sum, magnitude] = [0, 0];
    for (let c = 0; c < headDim; c += 1) {
      const product = (q[at + c] ?? 0) * (keys[k + c] ?? 0);
      sum += product;
      magnitude += Math.abs(product);
    }
    // The cap is flatter than the score itself; what it adds is its own error, a few units of the capped score.
    const score = softcap === undefined ? scale * sum : softcap * Math.tanh((scale * sum) / softcap);
    scores[j] = score;
    magnitudes[j] = Math.abs(scale) * magnitude;
    largest = Math.max(largest, score);
  }
  const powers = scores.map((score) => Math.exp(score - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  const depth = rowDepth(headDim);
  const expectedDepth = Math.min(expectedSum(headDim), depth);
  // Per score and tier: the relative error of e_j, and the largest of them.
  const offBy = (roundings: number, j: number): number =>
    gamma(roundings, sumUnit) * (magnitudes[j] ?? 0) +
    (softcap === undefined ? 2 : TANH_UNITS + 5) * unit * Math.abs(scores[j] ?? 0) +
    unit * Math.abs((scores[j] ?? 0) - largest) +
    expUnits((scores[j] ?? 0) - largest) * unit;
  const sumDepth = positionDepth(count);
  const usualSum = gamma(Math.min(expectedSum(count), sumDepth), sumUnit);
  const provenSum = gamma(sumDepth, sumUnit);
  let worst = 0;
  for (let j = 0; j < count; j += 1) worst = Math.max(worst, offBy(depth, j));
  const secondOrder = Math.exp(2 * worst);
  for (let j = 0; j < count; j += 1) {
    const share = (powers[j] ?? 0) / total;
    const [usual, bound] = [offBy(expectedDepth, j), offBy(depth, j)];
    const v = (first + j) * width + offset;
    for (let c = 0; c < headDim; c += 1) {
      const value = values[v + c] ?? 0;
      const news = Math.abs(value - (reference[at + c] ?? 0));
      expected[at + c] = (expected[at + c] ?? 0) + share * (usual * news + usualSum * Math.abs(value));
      proven[at + c] = (proven[at + c] ?? 0) + share * secondOrder * (bound * news + provenSum * Math.abs(value));
    }
  }
  for (let c = 0; c < headDim; c += 1) {
    const out = Math.abs(reference[at + c] ?? 0);
    expected[at + c] = (expected[at + c] ?? 0) + (usualSum + quotientUnits * unit) * out + tiny * count;
    proven[at + c] = (proven[at + c] ?? 0) + secondOrder * (provenSum + quotientUnits * unit) * out + tiny * count;
  }
}
