// Tries to find scores of which the softmax inside the attention kernel, or the derived stage attn_softmax, makes other
// shares than the formula does, beyond what their roundings explain. The kernel's own shares are made visible: one head
// whose score of key j is q·k_j = s_j exactly, and whose value of key j is the j-th unit vector, so that channel j of the
// output is the share of key j. Scores: every tail length, all alike, far apart, huge, infinite, NaN; those of the trained
// model; and those that Transformers recorded.
import fc from 'fast-check';
import { gamma, type Arithmetic } from '../src/diagnosis/reference/arithmetic.ts';
import { EXPONENTIAL_FAULTS } from '../src/diagnosis/faults/exponential.ts';
import { attentionJudgement } from '../src/diagnosis/ops/attention.ts';
import { attentionSoftmax } from '../src/engine/capture/scores.ts';
import { attentionKernel } from '../src/engine/cpu/kernels/attention.ts';
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import type { Should } from './kit/judges/budget-ratio.ts';
import { betweenGuards, type KernelRun } from './kit/judges/guarded-memory.ts';
import { kernelClaim, type StageCase } from './kit/claims/kernel-claim.ts';
import { LARGEST, makeValues, SMALL_SPECIALS, valuesRecipe } from './kit/arbitraries/kernel-values.ts';
import { known } from './kit/claims/known-faults.ts';
import { plants } from './kit/claims/plants.ts';
import { softmaxStage, type HeadInput } from './softmax-kernel-v1/stage.ts';
import type { StageRun } from './kit/models/trained-stages.ts';

/** Each a row of scores by itself. */
type Rows = readonly Float32Array[];

const recipes = fc.record({
  count: fc.constantFrom(1, 2, 3, 4, 5, 7, 31, 33, 63, 64, 65, 66, 127, 128, 129, 191, 257),
  scores: valuesRecipe(
    [0, -4, 1, 2, -40, 6, 30],
    [...SMALL_SPECIALS, ...LARGEST, 88.8, -87.4, -103.9, 1_000, Number.NaN, Infinity, -Infinity],
  ),
});

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-SOFT-001': kernelClaim({
    recipes,
    planned: 300,
    make: ({ count, scores }): Rows => [makeValues(scores, count)],
    run: shares,
    should(rows, arithmetic) {
      const parts = rows.map((scores) => shouldOf(scores, arithmetic));
      return {
        reference: parts.flatMap(({ reference }) => Array.from(reference)),
        proven: parts.flatMap(({ proven }) => Array.from(proven)),
      };
    },
    ofLayer: rowsOf,
    perLayer: 1,
    stages: ['attn_scores', 'attn_softmax'],
    faults: [
      ...known(attentionJudgement.faults, 'A13 A13-small A15 A15-small'),
      ...known(EXPONENTIAL_FAULTS, 'P3 P3-small P7 P7-small'),
      ...known(attentionJudgement.faults, 'A15-small-in-live A15-in-oracle'),
    ],
  }),
  'FALSIFY-SOFT-002': kernelClaim({
    ...softmaxStage,
    run: async ({ shape, head, q, k }: HeadInput) => ({ values: attentionSoftmax(shape, head, q, k), brokenGuards: 0 }),
    faults: plants`
      src/engine/capture/scores.ts
      gross unscaled: the scores are not scaled
      - = scale * sum
      + = sum
      gross last-key-unseen: a position does not see itself
      - end: position + 1
      + end: position
      small window-one-short: a window is one position short
      - position - window + 1
      + position - window + 2
      small sum-of-float32: the sum of the powers is rounded to float32 at every step
      - sum += power;
      + sum = Math.fround(sum + power);
      gross unscaled-in-oracle in oracle: the scores are not scaled
      - = scale * sum
      + = sum
    `,
  }),
};

/** The shares of every row, one after the other. */
async function shares(rows: Rows): Promise<KernelRun> {
  const values: number[] = [];
  let brokenGuards = 0;
  for (const scores of rows) {
    const n = scores.length;
    const keys = new Float32Array(n * n);
    const units = new Float32Array(n * n);
    for (const [j, score] of scores.entries()) {
      keys[j * n] = score;
      units[j * n + j] = 1;
    }
    const query = new Float32Array(n);
    query[0] = 1;
    const row = await betweenGuards(attentionKernel, n, (kernel, out, memory) => {
      const [q, k, v, scratch] = [memory.put(query), memory.put(keys), memory.put(units), memory.room(n + 4)];
      kernel.attention(out, q, k, v, scratch, n - 1, 1, n, 1, 1, n, 1, 0, 0);
    });
    values.push(...row.values);
    brokenGuards += row.brokenGuards;
  }
  return { values: Float32Array.from(values), brokenGuards };
}

/** e^x of float32 is below half of the least subnormal from here on. */
const LEAST_EXPONENT = -105;

/**
 * p_j = e_j / Σe. A power is off by u·|s_j − max| (the rounded difference) and by the exponential's own error; the sum by
 * the share-weighted mean of those and by its roundings; then one quotient. Powers that underflow are off by `tiny`.
 * The sum is 1 at least, because the largest power is exactly 1.
 */
function shouldOf(
  scores: Float32Array,
  { unit, sumUnit, tiny, expUnits, positionDepth, quotientUnits }: Arithmetic,
): Should {
  const largest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const powers = Float64Array.from(scores, (score) => Math.exp(score - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  const reference = powers.map((power) => power / total);
  const offBy = Array.from(scores, (score) => {
    const below = score - largest;
    return below < LEAST_EXPONENT ? 0 : unit * (Math.abs(below) + expUnits(below));
  });
  const ofSum = offBy.reduce((sum, off, j) => sum + off * (reference[j] ?? 0), 0);
  const secondOrder = Math.exp(2 * Math.max(...offBy));
  const others = ofSum + gamma(positionDepth(scores.length), sumUnit) + quotientUnits * unit;
  const proven = reference.map(
    (share, j) => share * secondOrder * ((offBy[j] ?? 0) + others) + (2 + share * scores.length) * tiny,
  );
  return { reference, proven };
}

/** The first, the middle and the last query of every head. */
function rowsOf({ model, tokens, stage }: StageRun, layer: number): StageCase<Rows>[] {
  const length = tokens.length;
  const [scores, softmax] = [stage(layer, 'attn_scores'), stage(layer, 'attn_softmax')];
  const queries = [...new Set([0, Math.floor(length / 2), length - 1])];
  const starts = Array.from({ length: model.headCount }, (_, head) =>
    queries.map((query) => ({ start: (head * length + query) * length, count: query + 1 })),
  ).flat();
  const input = starts.map(({ start, count }) => scores.slice(start, start + count));
  const recorded = starts.flatMap(({ start, count }) => [...softmax.subarray(start, start + count)]);
  return [{ where: 'attn_softmax', input, recorded: Float32Array.from(recorded) }];
}
