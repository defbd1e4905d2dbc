// Tries to find a sum that the add and addBias kernels do not round to nearest, or put in another place: tails, opposite
// numbers, subnormals, sums that overflow, zeros of both signs, NaN; the residuals and biases of the trained model; and
// those that Transformers recorded. Not claimed: which values a program adds.
import fc from 'fast-check';
import { addBiasKernel } from '../src/engine/cpu/kernels/add-bias.ts';
import { addKernel } from '../src/engine/cpu/kernels/add.ts';
import { addBias } from '../src/oracles/float64/ops/add-bias.ts';
import { add } from '../src/oracles/float64/ops/add.ts';
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import { combinePair, makePair, pairRecipes, type Pair } from './kit/claims/elementwise.ts';
import { betweenGuards } from './kit/judges/guarded-memory.ts';
import { kernelClaim, type StageCase } from './kit/claims/kernel-claim.ts';
import {
  LARGEST,
  makeValues,
  NON_FINITE,
  SMALL_SPECIALS,
  TAIL_LENGTHS,
  valuesRecipe,
} from './kit/arbitraries/kernel-values.ts';
import { plants } from './kit/claims/plants.ts';
import type { StageRun } from './kit/models/trained-stages.ts';

const biasRecipes = fc.record({
  channels: fc.constantFrom(...TAIL_LENGTHS),
  rows: fc.integer({ min: 1, max: 3 }),
  x: valuesRecipe([0, -4, 3, -40, 36], [...SMALL_SPECIALS, ...LARGEST, ...NON_FINITE]),
  bias: valuesRecipe([0, -4, 3, -40], [...SMALL_SPECIALS, ...NON_FINITE]),
});

interface BiasInput {
  x: Float32Array;
  bias: Float32Array;
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-RESD-001': kernelClaim({
    recipes: pairRecipes,
    planned: 400,
    isExact: true,
    make: makePair,
    run: (pair: Pair) => combinePair(pair, addKernel, ({ add: combine }) => combine),
    should: ({ a, b }) => ({ reference: add(Float64Array.from(a), Float64Array.from(b)), proven: [] }),
    ofLayer: sumsOf,
    perLayer: 2,
    stages: ['embedding', 'attn_out', 'post_attn_residual', 'ffn_out', 'post_ffn_residual'],
    faults: plants`
      src/engine/cpu/kernels/add.as.ts
      gross subtracts: b is taken away
      - f32x4.add(v128.load(a), v128.load(b))
      + f32x4.sub(v128.load(a), v128.load(b))
      small truncated: the lowest bit of every sum in a full vector is cleared
      - f32x4.add(v128.load(a), v128.load(b))
      + v128.and(f32x4.add(v128.load(a), v128.load(b)), i32x4.splat(-2))
      small tail-copied: the last elements, which fill no vector, are a alone
      - load<f32>(a) + load<f32>(b)
      + load<f32>(a)
      gross subtracts-in-oracle in oracle: b is taken away
      - f32x4.add(v128.load(a), v128.load(b))
      + f32x4.sub(v128.load(a), v128.load(b))
    `,
  }),
  'FALSIFY-RESD-002': kernelClaim({
    recipes: biasRecipes,
    planned: 400,
    isExact: true,
    isOfBundledAlone: true,
    make: ({ channels, rows, x, bias }): BiasInput => ({
      x: makeValues(x, rows * channels),
      bias: makeValues(bias, channels),
    }),
    run: ({ x, bias }) =>
      betweenGuards(addBiasKernel, x.length, (kernel, out, memory) => {
        kernel.addBias(out, memory.put(x), memory.put(bias), bias.length, x.length / bias.length);
      }),
    should: ({ x, bias }) => ({ reference: addBias(Float64Array.from(x), Float64Array.from(bias)), proven: [] }),
    ofLayer(run, layer) {
      const biases = ['attn_q', 'attn_k', 'attn_v'].map((part) => run.model.weight(`blk.${layer}.${part}.bias`));
      const bias = Float32Array.from(biases.flatMap((values) => [...(values ?? [])]));
      return [
        {
          where: 'qkv_bias',
          input: { x: run.stage(layer, 'qkv_matmul'), bias },
          recorded: run.stage(layer, 'qkv_bias'),
        },
      ];
    },
    perLayer: 1,
    stages: ['qkv_matmul', 'qkv_bias'],
    faults: plants`
      src/engine/cpu/kernels/add-bias.as.ts
      gross bias-not-moved-on: the bias is not moved on: every four channels get the first four of it
      - out += 16, x += 16, b += 16
      + out += 16, x += 16
      small tail-without-bias: the last channels, which fill no vector, get no bias
      - load<f32>(x) + load<f32>(b)
      + load<f32>(x)
      small bias-drifts: every row starts four channels further on in the bias, where the width is a multiple of 4
      - let b = bias;
      + let b = bias; if ((channelCount & 3) == 0) bias += 16;
      gross bias-not-moved-on-in-oracle in oracle: the bias is not moved on: every four channels get the first four of it
      - out += 16, x += 16, b += 16
      + out += 16, x += 16
    `,
  }),
};

function sumsOf(run: StageRun, layer: number): StageCase<Pair>[] {
  const middle = run.stage(layer, 'post_attn_residual');
  return [
    {
      where: 'post_attn_residual',
      input: { a: run.layerInput(layer), b: run.stage(layer, 'attn_out') },
      recorded: middle,
    },
    {
      where: 'post_ffn_residual',
      input: { a: middle, b: run.stage(layer, 'ffn_out') },
      recorded: run.stage(layer, 'post_ffn_residual'),
    },
  ];
}
