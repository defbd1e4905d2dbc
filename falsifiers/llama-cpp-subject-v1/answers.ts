// That llama.cpp has one answer: taps open or closed, some rows of the logits or all, after something else was forgotten.
import fc from 'fast-check';
import { RefuteError } from '../../src/errors.ts';
import type { Part } from '../../src/runner/run/falsifier.ts';
import type { LlamaCppExecutor } from '../../src/oracles/external/llama-cpp-subject/llama.cpp-executor.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { countDifferentWords, runTapped, withSession } from '../kit/claims/engine-runs.ts';
import { TINY_VOCAB_SIZE } from '../kit/models/tiny-model.ts';
import { NEEDS, shownValues, VARIANTS, withSubjects } from './subject.ts';

const NOTHING = new Float32Array(0);

/** NaN where it does not run at all. */
async function differentWords(...of: Parameters<typeof wordsThatDiffer>): Promise<number> {
  try {
    return await wordsThatDiffer(...of);
  } catch (error) {
    if (error instanceof RefuteError) return Number.NaN;
    throw error;
  }
}

/** Of the logits and of every value, words that are not those of a run that nobody watches, or that all watch. */
async function wordsThatDiffer(
  executor: LlamaCppExecutor,
  tokens: readonly number[],
  random: SeededRandom,
): Promise<number> {
  const all = shownValues(executor);
  const some = all.filter(() => random.below(3) === 0);
  const plain = await runTapped(executor, { tokens, logits: 'all' });
  const watched = await runTapped(executor, { tokens, logits: 'all' }, all);
  const partly = await runTapped(executor, { tokens, logits: 'last' }, some);
  const again = await withSession(executor, tokens.length + 1, async (session) => {
    await session.run({ tokens: [...tokens.toReversed(), 1], logits: 'none' });
    session.truncate(0);
    return (await session.run({ tokens, logits: 'all' })).logits;
  });
  const lastRow = plain.logits.subarray(plain.logits.length - executor.program.vocabSize);
  return [
    countDifferentWords(watched.logits, plain.logits),
    countDifferentWords(watched.values.get(executor.program.logits) ?? NOTHING, plain.logits),
    countDifferentWords(partly.logits, lastRow),
    countDifferentWords(again, plain.logits),
    ...some.map((id) => countDifferentWords(partly.values.get(id) ?? NOTHING, watched.values.get(id) ?? NOTHING)),
  ].reduce((sum, count) => sum + count, 0);
}

const inputs = fc.record({
  variant: fc.constantFrom(...VARIANTS),
  modelSeed: fc.nat(1),
  tokens: fc.array(fc.nat(TINY_VOCAB_SIZE - 1), { minLength: 1, maxLength: 24 }),
  usesFlashAttention: fc.boolean(),
  salt: fc.nat(),
});

export const generatedAnswers: Part = {
  needs: NEEDS,
  planned: 40,
  run: (context) =>
    withSubjects(context, ({ engines, open }) =>
      context.search(inputs, context.planned, async ({ variant, modelSeed, tokens, usesFlashAttention, salt }) => {
        const flashAttention = usesFlashAttention ? 'on' : 'off';
        const executor = await open(await engines.tiny(variant, modelSeed), { flashAttention });
        return differentWords(executor, tokens, new SeededRandom(salt));
      }),
    ),
};

const TRAINED_FILES = ['sums-2m.f16.gguf', 'sums-2m.q4_k_m.gguf'];
const TRAINED_LENGTHS = [1, 2, 17, 40];

export const trainedAnswers: Part = {
  needs: [...NEEDS, 'model:sums-2m'],
  planned: TRAINED_FILES.length * TRAINED_LENGTHS.length,
  run: (context) =>
    withSubjects(context, async ({ engines, open }) => {
      const random = new SeededRandom(context.seed);
      for (const file of TRAINED_FILES) {
        const executor = await open(await engines.bundled(file));
        for (const length of TRAINED_LENGTHS) {
          const tokens = Array.from({ length }, () => random.below(executor.program.vocabSize));
          context.measure(await differentWords(executor, tokens, random), `${file}, ${length} tokens`);
        }
      }
    }),
};
