// What is made element by element: sums, products, a factor, a bias, SiLU, GELU, a softcap.
import fc from 'fast-check';
import type { OpName } from '../../src/engine/program/program.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { makeValues, TAIL_LENGTHS, valuesRecipe, type ValuesRecipe } from '../kit/arbitraries/kernel-values.ts';
import { opsParts, recordedPart } from './ops-claim.ts';
import { NORMAL_SPECIALS, smallProgram, type Made } from './small-program.ts';

/** Where the exponentials leave the normal numbers, and where they end. */
const EDGES: readonly number[] = [-87.3, -88.8, -104.1, 88.7, -8, 16.6, 17.4, 41, -41, -79, -81];

export const ELEMENTWISE: readonly OpName[] = ['add', 'mul', 'scale', 'addBias', 'silu', 'gelu', 'softcap'];

interface Recipe {
  channels: number;
  alone: number;
  together: number;
  factor: number;
  cap: number;
  seed: number;
  a: ValuesRecipe;
  b: ValuesRecipe;
}

const recipes: fc.Arbitrary<Recipe> = fc.record({
  channels: fc.constantFrom(...TAIL_LENGTHS.filter((length) => length < 600)),
  alone: fc.integer({ min: 1, max: 3 }),
  together: fc.constantFrom(8, 9, 13),
  factor: fc.constantFrom(0.125, 11.3137, -3),
  cap: fc.constantFrom(30, 50, 0.5),
  seed: fc.nat(),
  a: valuesRecipe([0, 1, -4, 2, 6], [...NORMAL_SPECIALS, ...EDGES]),
  b: valuesRecipe([0, 1, -4, 2, 6], NORMAL_SPECIALS),
});

interface Inputs {
  channels: number;
  positions: number;
  factor: number;
  cap: number;
  seed: number;
  a: Float32Array;
  b: Float32Array;
}

export function elementwise({ channels, positions, factor, cap, seed, a, b }: Inputs): Made {
  return smallProgram({ positions, seed }, ({ builder, input }) => {
    const [one, other] = [input('a', { values: a, channels }), input('b', { values: b, channels })];
    builder.add('post_attn_residual', one, other);
    builder.mul('ffn_swigl', one, other);
    builder.scale('embedding', one, factor);
    builder.addBias('q_bias', one, 'bias');
    builder.silu('ffn_silu', one);
    builder.gelu('ffn_gelu', one);
    builder.softcap('lm_head', one, cap);
    return null;
  });
}

export const elementwiseParts: Falsifier['parts'] = opsParts({
  ops: ELEMENTWISE,
  recipes,
  planned: 80,
  make: ({ channels, alone, together, a, b, ...of }: Recipe) => {
    const positions = alone + together;
    const count = positions * channels;
    const made = elementwise({ ...of, channels, positions, a: makeValues(a, count), b: makeValues(b, count) });
    return { ...made, lengths: [together, alone] };
  },
  liveOps: ['add', 'mul', 'addBias', 'silu'],
  oracle: recordedPart(['ffn_gate', 'ffn_silu', 'ffn_up', 'ffn_swigl'], 2, (run, layer) => {
    const stage = (name: string): Float32Array => run.stage(layer, name);
    const positions = run.tokens.length;
    const channels = stage('ffn_gate').length / positions;
    const made = smallProgram({ positions, seed: 1 }, ({ builder, input }) => {
      builder.silu('ffn_silu', input('gate', { values: stage('ffn_gate'), channels }));
      const activated = input('activated', { values: stage('ffn_silu'), channels });
      builder.mul('ffn_swigl', activated, input('up', { values: stage('ffn_up'), channels }));
      return null;
    });
    const names = ['ffn_silu', 'ffn_swigl'];
    const recorded = new Map(names.map((name) => [`layer-0/${name}`, stage(name)]));
    return [{ ...made, positions, ops: ['silu', 'mul'], recorded }];
  }),
});
