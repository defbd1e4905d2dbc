// The same bits again: of one input twenty times over, with values tapped and without, in sessions that find other things in memory.
import fc from 'fast-check';
import type { TensorTypeName } from '../../src/engine/formats/tensor-types.ts';
import type { Executor } from '../../src/engine/program/executor.ts';
import type { Falsifier, PartContext } from '../../src/runner/run/falsifier.ts';
import { countDifferentWords, withSession } from '../kit/claims/engine-runs.ts';
import { makeValues, valuesRecipe, type ValuesRecipe } from '../kit/arbitraries/kernel-values.ts';
import { blockProgram, PLAIN_BLOCK } from './block.ts';
import { expertProgram } from './experts.ts';
import type { Made } from './small-program.ts';
import { tapPieces, tokensOf, withExecutor, type Piece } from './trial.ts';

const REPEATS = 20;
const SESSIONS = 2;
const LENGTHS = [9, 3];
const CHANNELS = [32, 64];
const BLOCK_TYPES: readonly TensorTypeName[] = ['q8_0', 'f16'];

interface Recipe {
  hasExperts: boolean;
  isRich: boolean;
  channels: number;
  type: number;
  seed: number;
  x: ValuesRecipe;
}

const recipes: fc.Arbitrary<Recipe> = fc.record({
  hasExperts: fc.boolean(),
  isRich: fc.boolean(),
  channels: fc.constantFrom(...CHANNELS),
  type: fc.nat(BLOCK_TYPES.length - 1),
  seed: fc.nat(),
  x: valuesRecipe([0, 3], [0]),
});

/** Its logits are what it makes. */
function programOf({ hasExperts, isRich, channels, type: number, seed, x }: Recipe): Made {
  const rows = { values: makeValues(x, channels * channels), channels };
  const type = BLOCK_TYPES[number] ?? 'f32';
  if (hasExperts) {
    const shape = {
      type,
      expertCount: 4,
      usedCount: 2,
      ffnDim: 32,
      isRenormalised: isRich,
      gelu: isRich,
      areTied: false,
      seed,
    };
    return expertProgram({ ...shape, isShown: true }, rows);
  }
  const rope = { theta: 10_000, rotaryDim: 8, pairing: isRich ? 'norm' : 'neox', scaling: { type: 'none' } } as const;
  const rich = isRich
    ? { hasHeadNorms: true, hasPostNorms: true, softcap: 20, window: 4, activation: 'gelu' as const }
    : {};
  const kvType = BLOCK_TYPES[(number + (isRich ? 1 : 0)) % BLOCK_TYPES.length] ?? type;
  const shape = { ...PLAIN_BLOCK, type, kvType, headDim: 16, ffnDim: 32, rope, seed, hasBias: !isRich, ...rich };
  return blockProgram({ ...shape, isShown: true }, rows);
}

/** Words of any value that are not those of the first run. */
async function differingRepeats(executor: Executor): Promise<number> {
  let first: Piece[] | null = null;
  let differences = 0;
  for (let session = 0; session < SESSIONS; session++) {
    await withSession(executor, total(LENGTHS), async (of) => {
      for (let repeat = 0; repeat < REPEATS / SESSIONS; repeat++) {
        of.truncate(0);
        const again = await tapPieces(executor.program, of, LENGTHS);
        first ??= again;
        for (const [n, { values }] of first.entries()) {
          for (const [id, data] of values) {
            differences += countDifferentWords(data, again[n]?.values.get(id) ?? new Float32Array(0));
          }
        }
      }
    });
  }
  return differences;
}

function total(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + length, 0);
}

type Which = 'last' | 'all';

/** Logits of every piece, by themselves or with every value tapped. */
async function logitsOf(executor: Executor, which: Which, isTapped: boolean): Promise<Float32Array[]> {
  const values = new Set(executor.program.values.map(({ id }) => id));
  return withSession(executor, total(LENGTHS), async (session) => {
    const all: Float32Array[] = [];
    for (const length of LENGTHS) {
      const tokens = tokensOf(executor, session.positionCount, length);
      const tap = isTapped ? { tap: { values, onValue: () => undefined } } : {};
      all.push((await session.run({ tokens, logits: which, ...tap })).logits);
    }
    return all;
  });
}

async function movedByTaps(executor: Executor): Promise<number> {
  let differences = 0;
  for (const which of ['all', 'last'] as const) {
    const [plain, tapped] = [await logitsOf(executor, which, false), await logitsOf(executor, which, true)];
    for (const [n, logits] of plain.entries())
      differences += countDifferentWords(logits, tapped[n] ?? new Float32Array(0));
  }
  return differences;
}

function partsOf(planned: number, measure: (executor: Executor) => Promise<number>): Falsifier['parts'] {
  return {
    generated: {
      planned,
      run: (context) =>
        context.search(recipes, context.planned, (recipe) => withExecutor(context, programOf(recipe), measure)),
    },
    live: {
      needs: ['model:sums-2m'],
      planned: 1,
      run: (context: PartContext) => ofBundled(context, measure),
    },
  };
}

async function ofBundled(context: PartContext, measure: (executor: Executor) => Promise<number>): Promise<void> {
  const file = 'sums-2m.q4_k_m.gguf';
  const model = await context.openModel(context.model('model:sums-2m', file));
  try {
    context.measure(await withExecutor(context, model, measure), file);
  } finally {
    await model.close();
  }
}

export const repeatParts: Falsifier['parts'] = partsOf(4, differingRepeats);
export const tapParts: Falsifier['parts'] = partsOf(6, movedByTaps);
