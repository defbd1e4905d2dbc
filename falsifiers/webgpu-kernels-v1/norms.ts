// Norms: of a position, of its heads, in front of a product and of what is added.
import fc from 'fast-check';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { makeValues, TAIL_LENGTHS, valuesRecipe, type ValuesRecipe } from '../kit/arbitraries/kernel-values.ts';
import { opsParts, recordedPart } from './ops-claim.ts';
import { NORMAL_SPECIALS, smallProgram } from './small-program.ts';
import type { Trial } from './trial.ts';

/** The squares of a row must have a sum that float32 holds, and their mean must stand beside eps as a normal number. */
const EXPONENTS = [0, -4, -1, 3, 8, 14, -22];

interface Recipe {
  headChannels: number;
  headCount: number;
  alone: number;
  together: number;
  eps: number;
  gainOffset: number;
  seed: number;
  x: ValuesRecipe;
}

const recipes: fc.Arbitrary<Recipe> = fc.record({
  headChannels: fc.constantFrom(...TAIL_LENGTHS.filter((length) => length < 600)),
  headCount: fc.integer({ min: 1, max: 3 }),
  alone: fc.integer({ min: 1, max: 3 }),
  together: fc.constantFrom(8, 9),
  eps: fc.constantFrom(1e-6, 1e-5),
  gainOffset: fc.constantFrom(0, 1),
  seed: fc.nat(),
  x: valuesRecipe(EXPONENTS, NORMAL_SPECIALS),
});

function trialOf({ headChannels, headCount, alone, together, eps, gainOffset, seed, x }: Recipe): Trial {
  const channels = headChannels * headCount;
  const positions = alone + together;
  const rows = { values: makeValues(x, positions * channels), channels };
  const norm = { eps, gainOffset };
  const made = smallProgram({ positions, seed }, ({ builder: b, input }) => {
    const value = input('x', rows);
    b.rmsnorm('final_norm', value, 'whole', norm);
    b.rmsnorm('q_norm', value, 'heads', { ...norm, headCount });
    b.add('post_attn_residual', value, b.rmsnorm('attn_post_norm', value, 'added', norm));
    b.matmul('ffn_gate', b.rmsnorm('ffn_norm', value, 'before', norm), 'product', 5);
    return null;
  });
  return { ...made, lengths: [together, alone] };
}

export const normParts: Falsifier['parts'] = opsParts({
  ops: ['rmsnorm'],
  recipes,
  planned: 60,
  make: trialOf,
  liveOps: ['rmsnorm'],
  oracle: recordedPart(['embedding', 'attn_norm', 'post_ffn_residual'], 1, (run, layer) => {
    const x = run.layerInput(layer);
    const channels = run.model.modelDim;
    const positions = x.length / channels;
    const gain = Float32Array.from(run.model.weight(`blk.${layer}.attn_norm.weight`) ?? []);
    const made = smallProgram({ positions, seed: 1, given: { gain } }, ({ builder, input }) => {
      const { rmsNormEps: eps } = run.model;
      builder.rmsnorm('attn_norm', input('x', { values: x, channels }), 'gain', { eps });
      return null;
    });
    const recorded = new Map([['layer-0/attn_norm', run.stage(layer, 'attn_norm')]]);
    return [{ ...made, positions, ops: ['rmsnorm'], recorded }];
  }),
});
