// The likeliest token, chosen where the logits are made: the lowest id of the greatest ones, with the greatest and the least logit, and
// no id at all where a logit is no finite number. Held against the logits that the same session gives.
import fc from 'fast-check';
import type { GreedyResult, Session } from '../../src/engine/program/executor.ts';
import type { Falsifier, PartContext } from '../../src/runner/run/falsifier.ts';
import { makeValues, NON_FINITE, valuesRecipe, type ValuesRecipe } from '../kit/arbitraries/kernel-values.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { smallProgram, type Made } from './small-program.ts';
import { withExecutor } from './trial.ts';

interface Recipe {
  logits: ValuesRecipe;
  /** All logits are one of so many numbers; 0: any. */
  levels: number;
  seed: number;
}

/** Around what a thread, a workgroup and the second dispatch take. */
const COUNTS = [1, 2, 3, 63, 64, 65, 1023, 1024, 1025, 2049, 66_000];
const CASES_OF_A_COUNT = 5;
const LIVE_FILE = 'sums-2m.q4_k_m.gguf';
const LIVE_STEPS = 12;

const recipes: fc.Arbitrary<Recipe> = fc.record({
  logits: valuesRecipe([0, -4, 6], [0, -0, 1, 1e30, -1e30, ...NON_FINITE]),
  levels: fc.constantFrom(0, 2, 1, 3),
  seed: fc.nat(),
});

function logitsOf({ logits, levels, seed }: Recipe, count: number): Float32Array {
  const values = makeValues({ ...logits, specials: [] }, count);
  const random = new SeededRandom(seed);
  if (levels > 0) values.set(values.map(() => values[random.below(levels) % count] ?? 0));
  for (const { at, value } of logits.specials) values[at % count] = value;
  return values;
}

/** Logit r is 1 · W[r, 0]. */
function giving(logits: Float32Array): Made {
  const positions = logits.length;
  const weights = { head_row: new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength) };
  return smallProgram({ positions, seed: 1, given: weights }, ({ builder, input }) =>
    builder.matmul('lm_head', input('one', { values: Float32Array.of(1), channels: 1 }), 'head_row', positions),
  );
}

function expected(logits: Float32Array): Omit<GreedyResult, 'firstPosition'> {
  if (!logits.every((logit) => Number.isFinite(logit))) return { id: null, greatest: 0, least: 0 };
  let [id, least] = [0, logits[0] ?? 0];
  for (const [i, logit] of logits.entries()) {
    if (logit > (logits[id] ?? 0)) id = i;
    least = Math.min(least, logit);
  }
  return { id, greatest: logits[id] ?? 0, least };
}

/** Of what is said of the likeliest token. A zero has no sign here: two of them are equal. */
function mistakes(given: GreedyResult, logits: Float32Array): number {
  const should = expected(logits);
  if (should.id === null) return given.id === null ? 0 : 1;
  const names = ['id', 'greatest', 'least'] as const;
  return names.filter((name) => !(given[name] === should[name])).length;
}

async function choose(
  session: Session,
  tokens: readonly number[],
): Promise<{ given: GreedyResult; logits: Float32Array }> {
  const { firstPosition, logits } = await session.run({ tokens, logits: 'last' });
  session.truncate(firstPosition);
  const given = await session.runGreedy?.({ tokens });
  if (given === undefined) throw new Error('this executor chooses no token');
  return { given, logits };
}

async function ofMade(context: PartContext, logits: Float32Array): Promise<number> {
  return withExecutor(context, giving(logits), async (executor) => {
    const session = await executor.openSession(1);
    const chosen = await choose(session, [0]);
    session.close();
    // What was meant, and what came: equal but for signs of zeros, and of NaN the bits.
    const differing = logits.filter(
      (logit, i) => !(logit === chosen.logits[i]) && !(Number.isNaN(logit) && Number.isNaN(chosen.logits[i])),
    );
    context.output(JSON.stringify(chosen.given));
    return differing.length + mistakes(chosen.given, logits);
  });
}

export const choiceParts: Falsifier['parts'] = {
  generated: {
    planned: COUNTS.length * CASES_OF_A_COUNT,
    async run(context) {
      let n = 0;
      await context.search(recipes, context.planned, (recipe) =>
        ofMade(context, logitsOf(recipe, COUNTS[n++ % COUNTS.length] ?? 1)),
      );
    },
  },
  live: {
    needs: ['model:sums-2m'],
    planned: LIVE_STEPS,
    async run(context) {
      const model = await context.openModel(context.model('model:sums-2m', LIVE_FILE));
      try {
        await withExecutor(context, model, async (executor) => {
          const session = await executor.openSession(4 + LIVE_STEPS);
          let tokens = [1, 5, 9];
          for (let step = 0; step < LIVE_STEPS; step++) {
            const { given, logits } = await choose(session, tokens);
            context.output(JSON.stringify(given));
            context.measure(mistakes(given, logits), `step ${step}`);
            tokens = [given.id ?? 0];
          }
        });
      } finally {
        await model.close();
      }
    },
  },
};
