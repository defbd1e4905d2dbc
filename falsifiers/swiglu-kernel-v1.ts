// Tries to find a number of which the silu kernel makes something else than x / (1 + e^-x), beyond what float32 explains,
// and a product that the mul kernel does not round to nearest: tails, subnormals, huge numbers, NaN and infinities; the
// gates of the trained model; and what Transformers recorded. Not claimed: which of gate and up is which.
import fc from 'fast-check';
import { EXPONENTIAL_FAULTS } from '../src/diagnosis/faults/exponential.ts';
import { siluJudgement } from '../src/diagnosis/ops/silu.ts';
import { mulKernel } from '../src/engine/cpu/kernels/mul.ts';
import { siluKernel } from '../src/engine/cpu/kernels/silu.ts';
import { mul } from '../src/oracles/float64/ops/mul.ts';
import { silu } from '../src/oracles/float64/ops/silu.ts';
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import { combinePair, makePair, pairRecipes, type Pair } from './kit/claims/elementwise.ts';
import { betweenGuards } from './kit/judges/guarded-memory.ts';
import { kernelClaim } from './kit/claims/kernel-claim.ts';
import {
  LARGEST,
  makeValues,
  NON_FINITE,
  SMALL_SPECIALS,
  TAIL_LENGTHS,
  valuesRecipe,
} from './kit/arbitraries/kernel-values.ts';
import { known } from './kit/claims/known-faults.ts';
import { plants } from './kit/claims/plants.ts';

/** Where the exponential leaves the normal numbers, and where it ends. */
const EDGES = [-87.3, -87.4, -88.8, -103.9, -104.1, 88.7, -8, 16.6, 17.4];

const siluRecipes = fc.record({
  count: fc.constantFrom(...TAIL_LENGTHS),
  x: valuesRecipe([0, 1, -4, -40, 2, 30], [...SMALL_SPECIALS, ...EDGES, ...LARGEST, ...NON_FINITE]),
});

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-SWIG-001': kernelClaim({
    recipes: siluRecipes,
    planned: 400,
    make: ({ count, x }): Float32Array => makeValues(x, count),
    run: (x) => betweenGuards(siluKernel, x.length, (kernel, out, memory) => kernel.silu(out, memory.put(x), x.length)),
    should(input, arithmetic) {
      const x = Float64Array.from(input);
      return siluJudgement.budget(
        { op: 'silu', in: 'x', out: 'y' },
        { arithmetic, inputs: [x], reference: silu(x), rowCount: 1, firstPosition: 0, isWeightRounded: false },
      );
    },
    ofLayer: (run, layer) => [
      { where: 'ffn_silu', input: run.stage(layer, 'ffn_gate'), recorded: run.stage(layer, 'ffn_silu') },
    ],
    perLayer: 1,
    stages: ['ffn_gate', 'ffn_silu'],
    faults: [
      ...known(siluJudgement.faults, 'M2 M2-small'),
      ...known(EXPONENTIAL_FAULTS, 'P7 P7-small P7-small-in-live'),
      ...known(siluJudgement.faults, 'M2-in-oracle'),
    ],
  }),
  'FALSIFY-SWIG-002': kernelClaim({
    recipes: pairRecipes,
    planned: 400,
    isExact: true,
    make: makePair,
    run: (pair: Pair) => combinePair(pair, mulKernel, ({ mul: combine }) => combine),
    should: ({ a, b }) => ({ reference: mul(Float64Array.from(a), Float64Array.from(b)), proven: [] }),
    ofLayer: (run, layer) => [
      {
        where: 'ffn_swigl',
        input: { a: run.stage(layer, 'ffn_silu'), b: run.stage(layer, 'ffn_up') },
        recorded: run.stage(layer, 'ffn_swigl'),
      },
    ],
    perLayer: 1,
    stages: ['ffn_silu', 'ffn_up', 'ffn_swigl'],
    faults: plants`
      src/engine/cpu/kernels/mul.as.ts
      gross squares: a is multiplied by itself
      - v128.load(b)
      + v128.load(a)
      small truncated: the lowest bit of every product in a full vector is cleared
      - f32x4.mul(v128.load(a), v128.load(b))
      + v128.and(f32x4.mul(v128.load(a), v128.load(b)), i32x4.splat(-2))
      small tail-adds: the last elements, which fill no vector, are added
      - load<f32>(a) * load<f32>(b)
      + load<f32>(a) + load<f32>(b)
      gross squares-in-oracle in oracle: a is multiplied by itself
      - v128.load(b)
      + v128.load(a)
    `,
  }),
};
