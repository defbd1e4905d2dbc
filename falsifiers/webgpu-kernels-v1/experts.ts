// A layer of experts as a program of its own: which are chosen, their shares, their products, what is added up; by fused kernels for a
// position by itself, op by op for many.
import fc from 'fast-check';
import { TENSOR_TYPES, type TensorTypeName } from '../../src/engine/formats/tensor-types.ts';
import type { OpName } from '../../src/engine/program/program.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { makeValues, valuesRecipe, type ValuesRecipe } from '../kit/arbitraries/kernel-values.ts';
import { recordedRoutings, RECORDED_ROUTINGS } from '../kit/models/recorded-routings.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { judgeRecorded, opsParts } from './ops-claim.ts';
import { NORMAL_SPECIALS, smallProgram, type Made, type Rows } from './small-program.ts';
import type { Trial } from './trial.ts';

export const EXPERT_OPS: readonly OpName[] = ['moeSelect', 'moeRoute', 'expertMatmul', 'moeSum'];
/** One of each number of planes (src/gpu/planes.ts) and length of blocks. */
const TYPES: readonly TensorTypeName[] = ['q6_k', 'f16', 'q8_0', 'q5_0', 'q4_k', 'q2_k', 'f32'];
const CASES_OF_A_TYPE = 3;

export interface ExpertShape {
  type: TensorTypeName;
  expertCount: number;
  usedCount: number;
  ffnDim: number;
  isRenormalised: boolean;
  gelu: boolean;
  /** Experts of a pair have equal logits. */
  areTied: boolean;
  seed: number;
  isShown: boolean;
}

export function expertProgram({ type, ...shape }: ExpertShape, rows: Rows): Made {
  const { channels } = rows;
  const { expertCount, usedCount, ffnDim, isRenormalised, gelu, isShown, seed } = shape;
  const positions = isShown ? channels : rows.values.length / channels;
  const typeOf = (name: string): TensorTypeName => (name === 'router' ? 'f32' : type);
  const given = shape.areTied ? { router: pairedRows(expertCount, channels, seed) } : {};
  return smallProgram({ positions, seed, typeOf, given }, ({ builder: b, input }) => {
    const x = input('input', rows);
    const normed = b.rmsnorm('ffn_norm', x, 'ffn_norm', { eps: 1e-5 });
    const logits = b.matmul('moe_logits', normed, 'router', expertCount);
    const chosen = b.moeSelect('moe_router_indices', logits, usedCount);
    const shares = b.moeRoute('moe_router', logits, chosen, isRenormalised);
    const experts = { experts: chosen, expertCount };
    const gate = b.expertMatmul('moe_gate', normed, 'gate', experts, [ffnDim, channels]);
    const up = b.expertMatmul('moe_up', normed, 'up', experts, [ffnDim, channels]);
    const activated = gelu ? b.gelu('moe_silu', gate) : b.silu('moe_silu', gate);
    const down = b.expertMatmul('moe_down', b.mul('moe_swigl', activated, up), 'down', experts, [channels, ffnDim]);
    const out = b.add('post_ffn_residual', x, b.moeSum('moe_ffn_out', down, shares));
    return isShown ? b.scale('lm_head', b.scale('lm_head_uncapped', out, 1), 1) : null;
  });
}

/** [rows, columns], two neighbours each alike. */
function pairedRows(rows: number, columns: number, seed: number): Float32Array {
  const random = new SeededRandom(seed);
  const pairs = Float32Array.from({ length: rows * columns }, () => random.bell() / Math.sqrt(columns));
  return pairs.map((_, i) => pairs[2 * Math.floor(i / columns / 2) * columns + (i % columns)] ?? 0);
}

interface Recipe {
  expertCount: number;
  used: number;
  modelBlocks: number;
  ffnBlocks: number;
  isRenormalised: boolean;
  gelu: boolean;
  areTied: boolean;
  alone: number;
  together: number;
  seed: number;
  x: ValuesRecipe;
}

const recipes: fc.Arbitrary<Recipe> = fc.record({
  expertCount: fc.constantFrom(2, 3, 5, 8, 33, 1),
  used: fc.nat(4),
  modelBlocks: fc.nat(3),
  ffnBlocks: fc.nat(3),
  isRenormalised: fc.boolean(),
  gelu: fc.boolean(),
  areTied: fc.boolean(),
  alone: fc.constantFrom(2, 1, 3),
  together: fc.constantFrom(8, 11),
  seed: fc.nat(),
  x: valuesRecipe([0, -4, 3], NORMAL_SPECIALS),
});

function trialOf(type: TensorTypeName, recipe: Recipe): Trial {
  const { blockElements: elements } = TENSOR_TYPES[type];
  const blocks = elements === 1 ? [8, 12, 33, 68] : elements === 32 ? [1, 2, 3, 4] : [1];
  const lengthOf = (n: number): number => elements * (blocks[n % blocks.length] ?? 1);
  const expertCount = elements === 256 ? Math.min(recipe.expertCount, 4) : recipe.expertCount;
  const channels = lengthOf(recipe.modelBlocks);
  const { alone, together, isRenormalised, gelu, areTied, seed } = recipe;
  const usedCount = 1 + (recipe.used % expertCount);
  const ffnDim = lengthOf(recipe.ffnBlocks);
  const shape = { type, expertCount, usedCount, ffnDim, isRenormalised, gelu, areTied, seed, isShown: false };
  const values = makeValues(recipe.x, (alone + together) * channels);
  return { ...expertProgram(shape, { values, channels }), lengths: [together, alone] };
}

export const expertParts: Falsifier['parts'] = {
  ...opsParts({
    ops: EXPERT_OPS,
    recipes,
    planned: TYPES.length * CASES_OF_A_TYPE,
    make: (recipe, n) => trialOf(TYPES[n % TYPES.length] ?? 'f32', recipe),
  }),
  // Ids and shares that Transformers recorded of untrained models, from its own logits rounded to float32.
  oracle: {
    planned: 2 * RECORDED_ROUTINGS,
    async run(context) {
      for (const { where, routing, ids, shares } of await recordedRoutings(context)) {
        const { rowCount: positions, expertCount: channels, usedCount, isRenormalised, logits } = routing;
        const made = smallProgram({ positions, seed: 1 }, ({ builder, input }) => {
          const router = input('logits', { values: logits, channels });
          const chosen = builder.moeSelect('moe_router_indices', router, usedCount);
          builder.moeRoute('moe_router', router, chosen, isRenormalised);
          return null;
        });
        const recorded = new Map([
          ['layer-0/moe_router_indices', Float32Array.from(ids)],
          ['layer-0/moe_router', Float32Array.from(shares)],
        ]);
        // A logit that was rounded to float32 moves each share by e^(2u·max|l|) at most.
        const size = logits.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
        const moved = Math.expm1(2 * 2 ** -24 * size);
        const trial = { ...made, positions, ops: ['moeSelect', 'moeRoute'] as const, recorded };
        await judgeRecorded(context, trial, where, moved);
      }
    },
  },
};
