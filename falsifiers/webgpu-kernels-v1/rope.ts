// Rotations: both pairings, parts of a head, far positions.
import fc from 'fast-check';
import type { RopeParameters } from '../../src/engine/program/program.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { makeValues, valuesRecipe, type ValuesRecipe } from '../kit/arbitraries/kernel-values.ts';
import { columns, type StageRun } from '../kit/models/trained-stages.ts';
import { opsParts, recordedPart, type RecordedTrial } from './ops-claim.ts';
import { NORMAL_SPECIALS, smallProgram } from './small-program.ts';
import type { Trial } from './trial.ts';

interface Recipe {
  headDim: number;
  unrotatedPairs: number;
  headCount: number;
  lengths: readonly number[];
  theta: number;
  pairing: RopeParameters['pairing'];
  seed: number;
  x: ValuesRecipe;
}

const recipes: fc.Arbitrary<Recipe> = fc.record({
  headDim: fc.constantFrom(2, 4, 6, 8, 16, 18, 62, 64, 66, 128, 130),
  unrotatedPairs: fc.constantFrom(0, 0, 1, 3),
  headCount: fc.integer({ min: 1, max: 3 }),
  lengths: fc.constantFrom([8, 1], [3], [9, 2], [64, 64, 3], [17]),
  theta: fc.constantFrom(10_000, 1_000_000),
  pairing: fc.constantFrom('neox' as const, 'norm' as const),
  seed: fc.nat(),
  x: valuesRecipe([0, -4, 3, 30], NORMAL_SPECIALS),
});

function trialOf({ headDim, unrotatedPairs, headCount, lengths, theta, pairing, seed, x }: Recipe): Trial {
  const rope = {
    theta,
    rotaryDim: Math.max(2, headDim - 2 * unrotatedPairs),
    pairing,
    scaling: { type: 'none' },
  } as const;
  const channels = headCount * headDim;
  const positions = lengths.reduce((sum, length) => sum + length, 0);
  const made = smallProgram({ positions, seed }, ({ builder, input }) => {
    const value = input('x', { values: makeValues(x, positions * channels), channels });
    builder.rope('q_post_rope', value, { headCount, headDim, rope });
    return null;
  });
  return { ...made, lengths };
}

function recordedTrials(run: StageRun, layer: number): RecordedTrial[] {
  const { headCount, kvHeadCount, headDim, ropeTheta: theta, turnsHalves } = run.model;
  const width = (headCount + 2 * kvHeadCount) * headDim;
  const x = columns(run.stage(layer, 'qkv_bias'), width, 0, headCount * headDim);
  const pairing = turnsHalves ? 'neox' : 'norm';
  const rope = { theta, rotaryDim: headDim, pairing, scaling: { type: 'none' } } as const;
  const channels = headCount * headDim;
  const positions = x.length / channels;
  const made = smallProgram({ positions, seed: 1 }, ({ builder, input }) => {
    builder.rope('q_post_rope', input('x', { values: x, channels }), { headCount, headDim, rope });
    return null;
  });
  const recorded = new Map([['layer-0/q_post_rope', run.stage(layer, 'q_post_rope')]]);
  return [{ ...made, positions, ops: ['rope'], recorded }];
}

export const ropeParts: Falsifier['parts'] = opsParts({
  ops: ['rope'],
  recipes,
  planned: 60,
  make: trialOf,
  liveOps: ['rope'],
  oracle: recordedPart(['qkv_bias', 'q_post_rope'], 1, recordedTrials),
});
