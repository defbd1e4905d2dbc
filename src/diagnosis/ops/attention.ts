// Judging `attention` over one chunk. With out = Σ p_j v_j and p = softmax(s), a score off by δ_j moves the output by
// p_j·δ_j·(v_j − out) to first order, so keys that carry no weight or no news cost no budget:
//   B = Σ_j p_j |δ_j| |v_j − out|  +  c_T·u·(Σ_j p_j|v_j| + |out|)  +  u·|out|
//   δ_j = c_d·u·|scale|·Σ|q·k_j| + 2u|s_j| + u|s_j − max s| + the exponential's own error
// The proven tier takes c = γ and e^(2 max δ) for the terms of second order.
import type { AttentionOp } from '../../engine/program/program.ts';
import { sourceVariant } from '../faults/fault.ts';
import { gamma, type Arithmetic } from '../reference/arithmetic.ts';
import { carryThroughAttention } from './attention-carry.ts';
import { forEachHead, type CachedRows, type QueryHead } from './attention-heads.ts';
import { TANH_UNITS } from './constants.ts';
import type { BudgetInputs, JudgementOf, OpReference } from './judgement.ts';

const KERNEL = 'src/engine/cpu/kernels/attention.as.ts';

export const attentionJudgement: JudgementOf<'attention'> = {
  budget: (op, { inputs: [q = new Float64Array(0)], cache, reference, arithmetic }) =>
    attentionBudget(op, q, present(cache), reference, arithmetic),
  carry: (op, { inputs: [q = new Float64Array(0)], cache }, deviations) =>
    carryThroughAttention(op, q, present(cache), deviations),
  bugClass: 'ATTENTION_FAILURE',
  expectedGroupRms: 0.1,
  sharesErrors: true,
  faults: [
    {
      id: 'A4',
      title: 'query heads read the wrong key-value head',
      bugClass: 'ATTENTION_FAILURE',
      firstStage: 'attn_scores',
      needs: 'more than one key-value head, and more query heads than those',
      gross: sourceVariant(
        'query head h reads key-value head h modulo their number',
        KERNEL,
        '(head / groupHeads) * capacity',
        '(head % kvHeadCount) * capacity',
      ),
      small: sourceVariant(
        'the last query head reads the first key-value head',
        KERNEL,
        '(head / groupHeads) * capacity',
        '(head + 1 == headCount ? 0 : head / groupHeads) * capacity',
      ),
    },
    {
      id: 'A13',
      title: 'the largest score is not taken away before the exponential',
      bugClass: 'OVERFLOW_NONFINITE',
      firstStage: 'attn_softmax',
      needs: 'a score above 88; for the small one, as the last of a number of keys that is not a multiple of 4',
      gross: sourceVariant(
        'nothing is taken away',
        KERNEL,
        'expInPlace(scores, seen, largestOf(scores, seen))',
        'expInPlace(scores, seen, 0)',
      ),
      small: sourceVariant(
        'the scores after the last multiple of 4 are not looked at',
        KERNEL,
        'for (; scores < end; scores += 4) largest',
        'for (; seen < 4 && scores < end; scores += 4) largest',
      ),
    },
    {
      id: 'A15',
      title: 'padding takes part in the softmax',
      bugClass: 'ATTENTION_FAILURE',
      firstStage: 'attn_softmax',
      needs: 'a number of keys that is not a multiple of 4',
      gross: sourceVariant(
        'each padded lane counts as a key of the largest score',
        KERNEL,
        'v128.store(end, f32x4.splat(0))',
        'v128.store(end, f32x4.splat(1))',
      ),
      small: sourceVariant(
        'each padded lane counts for a hundred-thousandth of the largest score',
        KERNEL,
        'v128.store(end, f32x4.splat(0))',
        'v128.store(end, f32x4.splat(0.00001))',
      ),
    },
    {
      id: 'A5',
      title: 'causal mask off by one: a position sees the next',
      bugClass: 'ATTENTION_FAILURE',
      firstStage: 'attn_scores',
      needs: 'two positions in one run',
      gross: sourceVariant(
        'every position but the last of a run sees the next',
        KERNEL,
        'const seen = position - first + 1;',
        'const seen = position - first + (row + 1 < rowCount ? 2 : 1);',
      ),
      small: sourceVariant(
        'the first position of a run sees the second',
        KERNEL,
        'const seen = position - first + 1;',
        'const seen = position - first + (row == 0 && rowCount > 1 ? 2 : 1);',
      ),
    },
  ],
};

export function attentionBudget(
  op: AttentionOp,
  q: Float64Array,
  cache: CachedRows,
  reference: Float64Array,
  arithmetic: Arithmetic,
): OpReference {
  const expected = new Float64Array(reference.length);
  const proven = new Float64Array(reference.length);
  forEachHead(op, q, cache, (head) => budgetOfHead(op, q, cache, head, reference, arithmetic, expected, proven));
  return { reference, expected, proven, magnitude: null };
}

function present(cache: BudgetInputs['cache']): CachedRows {
  if (cache === null || cache === undefined) throw new RangeError('attention without a cache');
  return cache;
}

function budgetOfHead(
  { headDim, scale, softcap }: AttentionOp,
  q: Float64Array,
  { keys, values }: CachedRows,
  { at, from, width, count }: QueryHead,
  reference: Float64Array,
  { unit, sumUnit, tiny, expUnits, quotientUnits, rowDepth, positionDepth, expectedSum }: Arithmetic,
  expected: Float64Array,
  proven: Float64Array,
): void {
  const scores = new Float64Array(count);
  const magnitudes = new Float64Array(count);
  let largest = -Infinity;
  for (let j = 0; j < count; j += 1) {
    const k = from + j * width;
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
    const v = from + j * width;
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
  // Scores so large that their rounding alone reorders them: 0 · Infinity is no bound.
  if (secondOrder === Infinity) proven.fill(Infinity, at, at + headDim);
}
