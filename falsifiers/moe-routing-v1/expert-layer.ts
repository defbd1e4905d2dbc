// A router and its experts as a program of its own, run by the executor on trial: searched shapes, stored types and
// inputs. Every op is judged on what the run itself read for it, against the float64 formula over the same bytes, so that a
// wrong router and a wrong expert are told apart.
import fc from 'fast-check';
import { arithmeticOf } from '../../src/diagnosis/reference/arithmetic.ts';
import { Lane } from '../../src/diagnosis/reference/lane.ts';
import { opReference } from '../../src/diagnosis/reference/op-reference.ts';
import type { WeightSource } from '../../src/engine/program/executor.ts';
import { ProgramBuilder } from '../../src/engine/program/program-builder.ts';
import type { OpName, Program } from '../../src/engine/program/program.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { budgetRatio } from '../kit/judges/budget-ratio.ts';
import { runTapped } from '../kit/claims/engine-runs.ts';
import { makeValues, SMALL_SPECIALS, valuesRecipe, type ValuesRecipe } from '../kit/arbitraries/kernel-values.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { TENSOR_TYPES, type TensorTypeName } from '../../src/engine/formats/tensor-types.ts';
import { tensorBytes } from '../kit/models/tiny-model.ts';

const TYPES: readonly TensorTypeName[] = [
  'f32',
  'f16',
  'bf16',
  'q8_0',
  'q4_0',
  'q4_1',
  'q5_0',
  'q5_1',
  'q4_k',
  'q5_k',
  'q6_k',
];

export interface ExpertLayer {
  expertType: TensorTypeName;
  expertCount: number;
  usedCount: number;
  /** Channels in front of and behind the experts, and inside of them. */
  modelDim: number;
  ffnDim: number;
  seed: number;
  /** Positions that the engine takes at a time. */
  chunkPositions: number;
  /** [positions, modelDim] */
  x: Float32Array;
}

interface Recipe {
  expertType: TensorTypeName;
  expertCount: number;
  used: number;
  modelBlocks: number;
  ffnBlocks: number;
  positions: number;
  chunkPositions: number;
  seed: number;
  x: ValuesRecipe;
}

export const expertRecipes: fc.Arbitrary<Recipe> = fc.record({
  expertType: fc.constantFrom(...TYPES),
  expertCount: fc.constantFrom(1, 2, 3, 4, 5, 8, 33),
  used: fc.nat(4),
  modelBlocks: fc.nat(),
  ffnBlocks: fc.nat(),
  positions: fc.integer({ min: 1, max: 7 }),
  chunkPositions: fc.constantFrom(64, 1, 2),
  seed: fc.nat(),
  x: valuesRecipe([0, -4, 3, -22], SMALL_SPECIALS),
});

/** Of a type whose blocks are single numbers: lengths that fill no vector; of wide blocks, one, and few experts. */
export function makeLayer(recipe: Recipe): ExpertLayer {
  const { expertType, chunkPositions, seed } = recipe;
  const { blockElements: elements } = TENSOR_TYPES[expertType];
  const blocks = elements === 1 ? [1, 3, 8, 33, 65] : elements === 32 ? [1, 2, 3] : [1];
  const lengthOf = (n: number): number => elements * (blocks[n % blocks.length] ?? 1);
  const expertCount = elements === 256 ? Math.min(recipe.expertCount, 4) : recipe.expertCount;
  const modelDim = lengthOf(recipe.modelBlocks);
  return {
    expertType,
    expertCount,
    usedCount: 1 + (recipe.used % expertCount),
    modelDim,
    ffnDim: lengthOf(recipe.ffnBlocks),
    seed,
    chunkPositions,
    x: makeValues(recipe.x, recipe.positions * modelDim),
  };
}

/** Positions read their input as a token reads its embedding; the logits of the program mean nothing. */
function programOf({ modelDim, ffnDim, expertCount, usedCount, x }: ExpertLayer): Program {
  const positions = x.length / modelDim;
  const b = new ProgramBuilder();
  const input = b.embed('ffn_norm', 'input', positions, modelDim);
  const logits = b.matmul('moe_logits', input, 'router', expertCount);
  const chosen = b.moeSelect('moe_router_indices', logits, usedCount);
  const experts = { experts: chosen, expertCount };
  const inside = b.expertMatmul('moe_up', input, 'up', experts, [ffnDim, modelDim]);
  b.expertMatmul('moe_down', inside, 'down', experts, [modelDim, ffnDim]);
  const head = b.embed('lm_head', 'head', positions, positions);
  return b.finish({ architecture: 'experts', layerCount: 1, vocabSize: positions, contextLength: positions }, head);
}

function weightsOf({ weights }: Program, { expertType, seed, x }: ExpertLayer, router?: Float32Array): WeightSource {
  const random = new SeededRandom(seed);
  const given: Readonly<Record<string, Float32Array | undefined>> = { input: x, router };
  const entries = new Map(
    weights.map(({ name, shape }) => {
      const type = shape.length === 3 ? expertType : 'f32';
      const values = given[name];
      const bytes =
        values === undefined
          ? tensorBytes(random, type, shape.toReversed(), 'matrix')
          : new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      return [name, { info: { name, type, shape, byteLength: bytes.byteLength }, bytes }] as const;
    }),
  );
  return {
    info: (name) => entries.get(name)?.info,
    async read(name, byteOffset, into) {
      into.set(entries.get(name)?.bytes.subarray(byteOffset, byteOffset + into.byteLength) ?? []);
    },
  };
}

export interface JudgedValue {
  values: Float32Array;
  reference: Float64Array;
  proven: Float64Array;
  /** Σ|w·x| of a product. */
  magnitude: Float64Array | null;
}

/** What every op of that name wrote, and what it should have. @param router weights of the router; random otherwise */
export async function judgedOps(
  context: PartContext,
  layer: ExpertLayer,
  name: OpName,
  router?: Float32Array,
): Promise<JudgedValue[]> {
  const program = programOf(layer);
  const weights = weightsOf(program, layer, router);
  const executor = await context.openExecutor({ program, weights }, { chunkPositions: layer.chunkPositions });
  const tokens = Array.from({ length: program.vocabSize }, (_, position) => position);
  const ids = program.values.map(({ id }) => id);
  const { values } = await runTapped(executor, { tokens, logits: 'none' }, ids);
  await executor.close();
  const captured = new Lane(weights, null);
  for (const [id, data] of values) captured.set(id, Float64Array.from(data));
  const widths = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
  const lanes = { arithmetic: arithmeticOf(executor.profile), widths, captured, free: [] };
  const judged: JudgedValue[] = [];
  for (const op of program.ops.filter((candidate) => candidate.op === name)) {
    const should = await opReference(
      op,
      { tokens, firstPosition: 0, isLast: true, contextLength: tokens.length },
      lanes,
    );
    judged.push({ ...should, values: values.get(op.out) ?? new Float32Array(0) });
  }
  return judged;
}

/** The worst rho of the ops of that name. */
export async function layerRatio(context: PartContext, layer: ExpertLayer, name: OpName): Promise<number> {
  const judged = await judgedOps(context, layer, name);
  for (const { values } of judged) context.output(new Uint8Array(values.buffer));
  return Math.max(...judged.map((one) => budgetRatio(one.values, one)));
}
