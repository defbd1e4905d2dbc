// Attention: many positions tile by tile, then one by one over splits of the cache, with everything that is made on the way there:
// norms of heads, rotations, keys and values appended. Grouped heads, windows, softcaps, head sizes that fill no vector.
import fc from 'fast-check';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { makeValues, valuesRecipe, type ValuesRecipe } from '../kit/arbitraries/kernel-values.ts';
import { blockProgram, PLAIN_BLOCK } from './block.ts';
import { opsParts, recordedPart } from './ops-claim.ts';
import { NORMAL_SPECIALS, smallProgram } from './small-program.ts';
import type { Trial } from './trial.ts';

const CHANNELS = 12;

interface Recipe {
  headDim: number;
  kvHeadCount: number;
  group: number;
  lengths: readonly number[];
  window: number | null;
  softcap: number | null;
  hasHeadNorms: boolean;
  isNeox: boolean;
  unrotated: number;
  seed: number;
  x: ValuesRecipe;
}

const recipes: fc.Arbitrary<Recipe> = fc.record({
  headDim: fc.constantFrom(1, 2, 4, 6, 8, 31, 32, 33, 64, 66, 128, 130, 260),
  kvHeadCount: fc.integer({ min: 1, max: 2 }),
  group: fc.integer({ min: 1, max: 3 }),
  lengths: fc.constantFrom([3], [9, 2], [17, 1, 8], [62, 3, 2], [64, 15, 1, 1], [64, 64, 2, 9]),
  window: fc.option(fc.constantFrom(1, 2, 3, 5, 16, 64, 65)),
  softcap: fc.option(fc.constantFrom(2, 30)),
  hasHeadNorms: fc.boolean(),
  isNeox: fc.boolean(),
  unrotated: fc.constantFrom(0, 2),
  seed: fc.nat(),
  x: valuesRecipe([0, -1, 3], NORMAL_SPECIALS),
});

function trialOf({ headDim, kvHeadCount, group, lengths, isNeox, unrotated, x, ...of }: Recipe): Trial {
  const positions = lengths.reduce((sum, length) => sum + length, 0);
  const rotaryDim = headDim - (headDim % 2) - (headDim > 4 ? unrotated : 0);
  const pairing = isNeox ? 'neox' : 'norm';
  const shape = {
    ...PLAIN_BLOCK,
    ...of,
    type: 'f32' as const,
    kvType: 'f32' as const,
    headDim,
    kvHeadCount,
    headCount: group * kvHeadCount,
    rope: rotaryDim < 2 ? null : ({ theta: 10_000, rotaryDim, pairing, scaling: { type: 'none' } } as const),
  };
  const rows = { values: makeValues(x, positions * CHANNELS), channels: CHANNELS };
  return { ...blockProgram(shape, rows), lengths };
}

export const attentionParts: Falsifier['parts'] = opsParts({
  ops: ['rmsnorm', 'rope', 'attention'],
  recipes,
  planned: 60,
  make: trialOf,
  liveOps: ['rope', 'attention'],
  oracle: recordedPart(['q_post_rope', 'k_post_rope', 'v', 'attention'], 1, (run, layer) => {
    const { headCount, kvHeadCount, headDim } = run.model;
    const [wide, narrow] = [headCount * headDim, kvHeadCount * headDim];
    const stage = (name: string): Float32Array => run.stage(layer, name);
    const positions = stage('v').length / narrow;
    const made = smallProgram({ positions, seed: 1 }, ({ builder, input }) => {
      const q = input('q', { values: stage('q_post_rope'), channels: wide });
      const k = input('k', { values: stage('k_post_rope'), channels: narrow });
      const v = input('v', { values: stage('v'), channels: narrow });
      const head = { headCount, kvHeadCount, headDim, scale: 1 / Math.sqrt(headDim), window: null };
      builder.attention('attention', { q, k, v }, head);
      return null;
    });
    return [{ ...made, positions, ops: ['attention'], recorded: new Map([['layer-0/attention', stage('attention')]]) }];
  }),
});
