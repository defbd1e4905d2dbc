// Tries to find a sum that the add and addBias kernels do not round to nearest, or put in another place: tails, opposite
// numbers, subnormals, sums that overflow, zeros of both signs, NaN; the residuals and biases of the trained model; and
// those that Transformers recorded. Not claimed: which values a program adds.
import fc from 'fast-check';
import { addBiasKernel } from '../src/engine/kernels/add-bias.ts';
import { addKernel } from '../src/engine/kernels/add.ts';
import { addBias } from '../src/oracles/float64/ops/add-bias.ts';
import { add } from '../src/oracles/float64/ops/add.ts';
import type { Falsifier, PlantedFault } from '../src/runner/falsifier.ts';
import { combinePair, makePair, pairRecipes, type Pair } from './generators/elementwise.ts';
import { GuardedMemory } from './generators/guarded-memory.ts';
import { kernelClaim, type StageCase } from './generators/kernel-claim.ts';
import {
  LARGEST,
  makeValues,
  NON_FINITE,
  SMALL_SPECIALS,
  TAIL_LENGTHS,
  valuesRecipe,
} from './generators/kernel-values.ts';
import type { StageRun } from './generators/trained-stages.ts';

const kernelFault = (
  stem: 'add' | 'add-bias',
  fault: Omit<PlantedFault, 'inject'> & { find: string; replace: string },
): PlantedFault => {
  const { find, replace, ...rest } = fault;
  return { ...rest, inject: { kind: 'source', file: `src/engine/kernels/${stem}.as.ts`, find, replace } };
};

const OTHER_SIGN = {
  title: 'b is taken away',
  size: 'gross',
  find: 'f32x4.add(v128.load(a), v128.load(b))',
  replace: 'f32x4.sub(v128.load(a), v128.load(b))',
} as const;

const NEXT_BIAS = {
  title: 'the bias is not moved on: every four channels get the first four of it',
  size: 'gross',
  find: 'out += 16, x += 16, b += 16',
  replace: 'out += 16, x += 16',
} as const;

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
    run: (pair: Pair) => combinePair(pair, async (memory) => (await addKernel.instantiate(memory)).add),
    should: ({ a, b }) => ({ reference: add(Float64Array.from(a), Float64Array.from(b)), proven: [] }),
    ofLayer: sumsOf,
    perLayer: 2,
    stages: ['embedding', 'attn_out', 'post_attn_residual', 'ffn_out', 'post_ffn_residual'],
    faults: [
      kernelFault('add', { id: 'subtracts', ...OTHER_SIGN }),
      kernelFault('add', {
        id: 'truncated',
        title: 'the lowest bit of every sum in a full vector is cleared',
        size: 'small',
        find: 'f32x4.add(v128.load(a), v128.load(b))',
        replace: 'v128.and(f32x4.add(v128.load(a), v128.load(b)), i32x4.splat(-2))',
      }),
      kernelFault('add', {
        id: 'tail-copied',
        title: 'the last elements, which fill no vector, are a alone',
        size: 'small',
        find: 'load<f32>(a) + load<f32>(b)',
        replace: 'load<f32>(a)',
      }),
      kernelFault('add', { id: 'subtracts-in-oracle', part: 'oracle', ...OTHER_SIGN }),
    ],
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
    async run({ x, bias }) {
      const memory = new GuardedMemory();
      const kernel = await addBiasKernel.instantiate(memory.memory);
      const out = memory.room(x.length);
      kernel.addBias(out, memory.put(x), memory.put(bias), bias.length, x.length / bias.length);
      return { values: memory.read(out, x.length), brokenGuards: memory.brokenGuards().length };
    },
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
    faults: [
      kernelFault('add-bias', { id: 'bias-not-moved-on', ...NEXT_BIAS }),
      kernelFault('add-bias', {
        id: 'tail-without-bias',
        title: 'the last channels, which fill no vector, get no bias',
        size: 'small',
        find: 'load<f32>(x) + load<f32>(b)',
        replace: 'load<f32>(x)',
      }),
      kernelFault('add-bias', {
        id: 'bias-drifts',
        title: 'every row starts four channels further on in the bias, where the width is a multiple of 4',
        size: 'small',
        find: 'let b = bias;',
        replace: 'let b = bias; if ((channelCount & 3) == 0) bias += 16;',
      }),
      kernelFault('add-bias', { id: 'bias-not-moved-on-in-oracle', part: 'oracle', ...NEXT_BIAS }),
    ],
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
