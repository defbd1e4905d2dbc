// Tries to find a head that is rotated otherwise than the formula says, beyond what float32 explains: both pairings, parts
// of a head, every scaling, far positions, tail widths, subnormal and infinite channels; the heads of the trained model;
// and the heads that Transformers recorded. Kernel and table are one claim: neither means anything without the other.
import fc from 'fast-check';
import { ropeJudgement } from '../src/diagnosis/ops/rope.ts';
import { fillRopeTable } from '../src/engine/program/rope-table.ts';
import { ropeAmplitude, ropeFrequencies } from '../src/engine/program/rope-frequencies.ts';
import { ropeKernel } from '../src/engine/cpu/kernels/rope.ts';
import type { RopeParameters, RopeScaling } from '../src/engine/program/program.ts';
import { ropeFrequencies as exactFrequencies } from '../src/oracles/float64/ops/rope-frequencies.ts';
import { rope } from '../src/oracles/float64/ops/rope.ts';
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import { betweenGuards, type KernelRun } from './kit/judges/guarded-memory.ts';
import { kernelClaim, type StageCase } from './kit/claims/kernel-claim.ts';
import { LARGEST, makeValues, NON_FINITE, SMALL_SPECIALS, valuesRecipe } from './kit/arbitraries/kernel-values.ts';
import { known } from './kit/claims/known-faults.ts';
import { plants } from './kit/claims/plants.ts';
import { columns, type StageRun } from './kit/models/trained-stages.ts';

interface Input {
  x: Float32Array;
  headCount: number;
  headDim: number;
  rope: RopeParameters;
  /** One per pair; for scalings whose factors are a weight. */
  factors: Float32Array | null;
  firstPosition: number;
}

const YARN = { type: 'yarn', factor: 4, betaFast: 32, betaSlow: 1, attentionFactor: 1.1386294361119891 } as const;
const LONG_FACTORS = 'rope_factors_long.weight';

/** Numbers of published models; longrope and dynamic both within and beyond their original context. */
const SCALINGS: readonly RopeScaling[] = [
  { type: 'none' },
  { type: 'linear', factor: 4 },
  { type: 'factors', weight: 'rope_freqs.weight' },
  { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContextLength: 8192 },
  { ...YARN, isTruncated: true, originalContextLength: 32_768 },
  { ...YARN, isTruncated: false, factor: 40, betaFast: 24, originalContextLength: 4096, attentionFactor: 0.75 },
  { type: 'longrope', short: LONG_FACTORS, long: LONG_FACTORS, originalContextLength: 4096, attentionFactor: 1.19 },
  { type: 'dynamic', factor: 2, originalContextLength: 2048 },
];

const recipes = fc.record({
  headDim: fc.constantFrom(2, 4, 6, 8, 16, 18, 62, 64, 66, 128, 130),
  unrotatedPairs: fc.constantFrom(0, 0, 1, 3),
  headCount: fc.integer({ min: 1, max: 3 }),
  rows: fc.integer({ min: 1, max: 3 }),
  firstPosition: fc.constantFrom(0, 1, 2, 511, 4095, 131_070),
  theta: fc.constantFrom(10_000, 1_000_000, 500_000),
  pairing: fc.constantFrom('neox' as const, 'norm' as const),
  scaling: fc.constantFrom(...SCALINGS),
  x: valuesRecipe([0, -4, 3, -40, 30], [...SMALL_SPECIALS, ...LARGEST, ...NON_FINITE]),
  factors: valuesRecipe([0], [1]),
});

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-ROPE-001': kernelClaim({
    recipes,
    planned: 400,
    make({ headDim, unrotatedPairs, headCount, rows, firstPosition, theta, pairing, scaling, x, factors }): Input {
      // Dynamic scaling has no meaning for one pair.
      const rotaryDim = Math.max(2, headDim - 2 * unrotatedPairs);
      const isPossible = scaling.type !== 'dynamic' || rotaryDim > 2;
      // A factor stretches a wave: it is from 1 on.
      const stretch = makeValues(factors, rotaryDim / 2).map((value) => 1 + Math.abs(value));
      return {
        x: makeValues(x, rows * headCount * headDim),
        headCount,
        headDim,
        rope: { theta, rotaryDim, pairing, scaling: isPossible ? scaling : { type: 'none' } },
        factors: scaling.type === 'factors' || scaling.type === 'longrope' ? stretch : null,
        firstPosition,
      };
    },
    run: rotate,
    should(input, arithmetic) {
      const { headCount, headDim, firstPosition } = input;
      const op = { op: 'rope', in: 'x', out: 'y', headCount, headDim, rope: input.rope } as const;
      const x = Float64Array.from(input.x);
      const factors = input.factors === null ? null : Float64Array.from(input.factors);
      const rowCount = x.length / (headCount * headDim);
      return ropeJudgement.budget(op, {
        arithmetic,
        inputs: [x],
        reference: rope(op, x, firstPosition, factors, firstPosition + rowCount),
        rowCount,
        firstPosition,
        frequencies: exactFrequencies(input.rope, factors, firstPosition + rowCount),
        isWeightRounded: false,
      });
    },
    ofLayer: rotationsOf,
    perLayer: 2,
    stages: ['qkv_bias', 'q_post_rope', 'k_post_rope'],
    faults: [
      ...known(ropeJudgement.faults, 'R6 R6-small'),
      ...plants`
        src/engine/program/rope-table.ts
        gross positions-from-1: positions count from 1
        - (firstPosition + row) * frequency
        + (firstPosition + row + 1) * frequency
        small angle-in-float32: the angle is rounded to float32 before its cosine is taken
        - const angle = (firstPosition + row) * frequency;
        + const angle = Math.fround((firstPosition + row) * frequency);
        src/engine/program/rope-frequencies.ts
        small llama3-blend-reversed: llama3 scaling blends the wrong way round
        - (1 - blend) * (frequency / factor) + blend * frequency
        + blend * (frequency / factor) + (1 - blend) * frequency
        gross yarn-ramp-reversed: yarn divides the fast pairs and keeps the slow ones
        - divided * (frequency / scaling.factor) + (1 - divided) * frequency
        + (1 - divided) * (frequency / scaling.factor) + divided * frequency
        src/engine/program/rope-table.ts
        small attention-factor-of-cosines-only: sines are not multiplied by the attention factor
        - = amplitude * Math.sin(angle)
        + = Math.sin(angle)
        src/engine/program/rope-frequencies.ts
        small dynamic-exponent: theta of dynamic scaling grows by the plain ratio
        -  ** (rotaryDim / (rotaryDim - 2))
        +  ** 1
        src/engine/cpu/kernels/rope.as.ts
        small last-channels-not-copied: two channels that are not rotated are not copied
        - if (restBytes > 0)
        + if (restBytes > 8)
      `,
      ...known(ropeJudgement.faults, 'R6-in-live R6-in-oracle'),
    ],
  }),
};

function rotate({ x, headCount, headDim, rope, factors, firstPosition }: Input): Promise<KernelRun> {
  const rows = x.length / (headCount * headDim);
  const table = new Float32Array(rows * rope.rotaryDim);
  fillRopeTable(table, ropeFrequencies(rope, factors, firstPosition + rows), firstPosition, ropeAmplitude(rope));
  const isNeox = rope.pairing === 'neox';
  return betweenGuards(ropeKernel, x.length, (kernel, out, memory) => {
    kernel.rope(out, memory.put(x), memory.put(table), rows, headCount, headDim, rope.rotaryDim, isNeox);
  });
}

function rotationsOf(run: StageRun, layer: number): StageCase<Input>[] {
  const { headCount, kvHeadCount, headDim, ropeTheta, turnsHalves } = run.model;
  const width = (headCount + 2 * kvHeadCount) * headDim;
  const projected = run.stage(
    layer,
    run.model.weight(`blk.${layer}.attn_q.bias`) === undefined ? 'qkv_matmul' : 'qkv_bias',
  );
  const pairing = turnsHalves ? 'neox' : 'norm';
  const rope = { theta: ropeTheta, rotaryDim: headDim, pairing, scaling: { type: 'none' } } as const;
  const caseOf = (where: string, first: number, heads: number): StageCase<Input> => ({
    where,
    input: {
      x: columns(projected, width, first * headDim, heads * headDim),
      headCount: heads,
      headDim,
      rope,
      factors: null,
      firstPosition: 0,
    },
    recorded: run.stage(layer, where),
  });
  return [caseOf('q_post_rope', 0, headCount), caseOf('k_post_rope', headCount, kvHeadCount)];
}
