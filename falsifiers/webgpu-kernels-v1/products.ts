// Products with every stored type: rows of several matrices at once, with norm, bias and residual, gated, two types in one dispatch;
// and tiles of many positions.
import fc from 'fast-check';
import { TENSOR_TYPES, type TensorTypeName } from '../../src/engine/formats/tensor-types.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { makeValues, valuesRecipe, type ValuesRecipe } from '../kit/arbitraries/kernel-values.ts';
import { blockProgram, PLAIN_BLOCK } from './block.ts';
import { TYPES } from './decoders.ts';
import { opsParts, recordedPart } from './ops-claim.ts';
import { NORMAL_SPECIALS, smallProgram } from './small-program.ts';
import type { Trial } from './trial.ts';

const CASES_OF_A_TYPE = 2;
/** Of so many types one meets the next in a dispatch of two. */
const MIXED = 6;

interface Recipe {
  modelBlocks: number;
  ffnBlocks: number;
  hasBias: boolean;
  gelu: boolean;
  alone: number;
  together: number;
  seed: number;
  x: ValuesRecipe;
}

const recipes: fc.Arbitrary<Recipe> = fc.record({
  modelBlocks: fc.nat(5),
  ffnBlocks: fc.nat(5),
  hasBias: fc.boolean(),
  gelu: fc.boolean(),
  alone: fc.constantFrom(1, 2),
  together: fc.constantFrom(8, 9, 17),
  seed: fc.nat(),
  x: valuesRecipe([0, -4, 3], NORMAL_SPECIALS),
});

/** Of types whose blocks are single numbers, lengths that fill no vector; a head is as wide as a block, so that rows are whole. */
function trialOf(type: TensorTypeName, recipe: Recipe): Trial {
  const other = TYPES[(TYPES.indexOf(type) + 1) % TYPES.length] ?? type;
  const kvType = TYPES.indexOf(type) % MIXED === 0 ? other : type;
  const elements = Math.max(TENSOR_TYPES[type].blockElements, TENSOR_TYPES[kvType].blockElements);
  const blocks = elements === 1 ? [3, 33, 65, 8, 130, 1] : elements === 32 ? [1, 2, 3, 5, 9, 4] : [1, 2, 1, 2, 1, 1];
  const lengthOf = (n: number): number => elements * (blocks[n] ?? 1);
  const headDim = elements === 1 ? 5 : elements / 2;
  const channels = lengthOf(recipe.modelBlocks);
  const shape = {
    ...PLAIN_BLOCK,
    type,
    kvType,
    seed: recipe.seed,
    headDim,
    headCount: 2,
    kvHeadCount: 1,
    ffnDim: lengthOf(recipe.ffnBlocks),
    hasBias: recipe.hasBias,
    activation: recipe.gelu ? ('gelu' as const) : ('silu' as const),
  };
  const lengths = [recipe.together, recipe.alone];
  const values = makeValues(recipe.x, (recipe.together + recipe.alone) * channels);
  return { ...blockProgram(shape, { values, channels }), lengths };
}

const parts = opsParts({
  ops: ['matmul'],
  recipes,
  planned: TYPES.length * CASES_OF_A_TYPE,
  make: (recipe, n) => trialOf(TYPES[n % TYPES.length] ?? 'f32', recipe),
  liveOps: ['matmul'],
  oracle: recordedPart(['ffn_norm', 'ffn_gate'], 1, (run, layer) => {
    const weights = run.model.weight(`blk.${layer}.ffn_gate.weight`) ?? new Float64Array(0);
    const x = run.stage(layer, 'ffn_norm');
    const channels = run.model.modelDim;
    const positions = x.length / channels;
    const given = { gate: new Uint8Array(Float16Array.from(weights).buffer) };
    const ingredients = { positions, seed: 1, typeOf: () => 'f16' as const, given };
    const made = smallProgram(ingredients, ({ builder, input }) => {
      builder.matmul('ffn_gate', input('x', { values: x, channels }), 'gate', weights.length / channels);
      return null;
    });
    const recorded = new Map([['layer-0/ffn_gate', run.stage(layer, 'ffn_gate')]]);
    return [{ ...made, positions, ops: ['matmul'], recorded }];
  }),
});

export const productParts: Falsifier['parts'] = parts;
