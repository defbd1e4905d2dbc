// Tries to find a position at which the engine's Qwen2 is not Transformers' Qwen2: logits by KL, every stage by its error
// in units of float32 noise, the chosen token. The reference is other people's code (a recorded pack of Transformers in
// float64) and, where inputs are searched, a slow forward pass written here from the formulas; neither has seen the
// product's program. Not claimed here: quantised weights (they decode to other numbers) and any other architecture.
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { NORM_FAULTS } from '../src/diagnosis/faults/norm.ts';
import { ROPE_FAULTS } from '../src/diagnosis/faults/rope.ts';
import { WEIGHT_FAULTS } from '../src/diagnosis/faults/weights.ts';
import type { Model } from '../src/engine/model/model.ts';
import type { Session } from '../src/engine/program/executor.ts';
import type { Falsifier, Part, PartContext } from '../src/runner/run/falsifier.ts';
import { indexOfLargest } from './kit/judges/comparisons.ts';
import { runTapped, withEngines, withSession } from './kit/claims/engine-runs.ts';
import {
  countWrongChoices,
  divergences,
  engineLogits,
  engineStages,
  noiseRatios,
  slowLogits,
  type Subject,
} from './kit/claims/hf-parity.ts';
import { readPackManifest, readPackStage } from './kit/models/packs.ts';
import { SeededRandom } from './kit/arbitraries/random.ts';
import { slowForward, type SlowModel } from './kit/references/slow-forward.ts';
import { slowTinyModel } from './kit/references/slow-tiny-model.ts';
import { TINY_VARIANT_COUNT, TINY_VOCAB_SIZE, type TinyModel } from './kit/models/tiny-model.ts';
import { slowTrainedModel } from './kit/models/hf-model.ts';
import { known } from './kit/claims/known-faults.ts';
import { onWebgpu } from './kit/claims/on-webgpu.ts';

const F16 = 'sums-2m.f16.gguf';
const PACK = 'models/sums-2m/packs/float64';
const PROMPTS = ['chat-addition', 'raw-sum', 'spell-backwards', 'two-turns', 'unicode'];
/** Of the five prompts together, and stage files of each. */
const PACK_POSITIONS = 53;
const PACK_STAGES = 75;
/** Token lists that no pack has, for the trained model. */
const LIVE_LENGTHS = [2, 9, 24];

interface Input {
  variant: number;
  modelSeed: number;
  tokens: number[];
}

const inputs: fc.Arbitrary<Input> = fc.record({
  variant: fc.nat(TINY_VARIANT_COUNT - 1),
  modelSeed: fc.nat(1),
  tokens: fc.array(fc.nat(TINY_VOCAB_SIZE - 1), { minLength: 2, maxLength: 16 }),
});

/** Searched tokens on generated Qwen2 models: grouped heads, several thetas, tied and not, every kind of weights. */
function searched(cpuCases: number, measure: (subject: Subject) => Promise<number>): Part {
  return {
    planned: { cpu: cpuCases, webgpu: 6 },
    run: (context) =>
      withEngines(context, async (engines) => {
        const slows = new Map<TinyModel, SlowModel>();
        await context.search(inputs, context.planned, async ({ variant, modelSeed, tokens }) => {
          const source = engines.tinySource(variant, modelSeed, { architecture: 'qwen2', slidingWindow: null });
          const slow = slows.get(source) ?? slowTinyModel(source);
          slows.set(source, slow);
          const executor = await engines.executor(await engines.fromTiny(source));
          return measure({ executor, slow, tokens, random: new SeededRandom(context.seed) });
        });
      }),
  };
}

/** The trained model on tokens that no pack has. `planned` counts what `measure` records per list of tokens. */
async function onTrainedModel(
  context: PartContext,
  measure: (subject: Subject, where: string) => Promise<void>,
): Promise<void> {
  await withEngines(context, async (engines) => {
    const slow = await slowTrainedModel(context);
    const executor = await engines.executor(await engines.bundled(F16));
    for (const length of LIVE_LENGTHS) {
      const random = new SeededRandom(context.seed + length);
      const tokens = Array.from({ length }, () => random.below(slow.vocabSize));
      await measure({ executor, slow, tokens, random }, `${length} random tokens`);
      const { logits } = await runTapped(executor, { tokens, logits: 'last' });
      context.output(new Uint8Array(logits.buffer));
    }
  });
}

/** Every prompt of the pack, on the engine and as the pack has it. */
async function onPack(
  context: PartContext,
  measure: (
    prompt: string,
    subject: Subject,
    packed: (path: string) => Promise<Float32Array>,
    paths: string[],
  ) => Promise<void>,
): Promise<void> {
  await withEngines(context, async (engines) => {
    const slow = await slowTrainedModel(context);
    const executor = await engines.executor(await engines.bundled(F16));
    for (const prompt of PROMPTS) {
      const folder = `${PACK}/${prompt}`;
      const manifest = await readPackManifest(context, folder);
      const subject: Subject = { executor, slow, tokens: manifest.tokens, random: new SeededRandom(context.seed) };
      const packed = (path: string): Promise<Float32Array> => readPackStage(context, folder, manifest, path);
      await measure(prompt, subject, packed, Object.keys(manifest.files));
    }
  });
}

interface QuestionFile {
  sets: {
    name: string;
    before: { role: 'user' | 'assistant' | 'system'; content: string }[];
    items: [string, string][];
  }[];
}

/** Held-out questions that Transformers answers right, one in so many; each must be answered the same. */
const QUESTION_STEP = 24;
const QUESTIONS = 50;
const MAX_ANSWER_TOKENS = 24;

async function askQuestions(context: PartContext): Promise<void> {
  const file = JSON.parse(await readFile(context.data('models/sums-2m/questions.json'), 'utf8')) as QuestionFile;
  await withEngines(context, async (engines) => {
    const model = await engines.bundled(F16);
    const executor = await engines.executor(model);
    const asked = file.sets.slice(0, 2).flatMap(({ before, items }) => items.map((item) => ({ before, item })));
    for (const { before, item } of asked.filter((_, i) => i % QUESTION_STEP === 0).slice(0, QUESTIONS)) {
      const [question, answer] = item;
      const text = model.text.renderChat([...before, { role: 'user', content: question }], {
        addGenerationPrompt: true,
      });
      const prompt = model.text.encode(text, { parseSpecial: true, addBos: false });
      const said = await withSession(executor, prompt.length + MAX_ANSWER_TOKENS, (session) =>
        greedy(model, session, prompt),
      );
      context.measure(said === answer ? 0 : 1, `${question} ${JSON.stringify(said)}`);
      context.output(said);
    }
  });
}

async function greedy(model: Model, session: Session, prompt: readonly number[]): Promise<string> {
  const ids: number[] = [];
  let tokens = prompt;
  while (ids.length < MAX_ANSWER_TOKENS) {
    const next = indexOfLargest((await session.run({ tokens, logits: 'last' })).logits);
    if (model.text.endIds.has(next) || next < 0) break;
    ids.push(next);
    tokens = [next];
  }
  return model.text.decode(ids);
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-HFQ2-001': {
    parts: {
      generated: searched(60, async (subject) => {
        const logits = await engineLogits(subject.executor, subject.tokens);
        return Math.max(...divergences(slowLogits(subject), logits, subject.slow.vocabSize));
      }),
      live: {
        needs: ['model:sums-2m'],
        planned: LIVE_LENGTHS.reduce((sum, length) => sum + length, 0),
        run: (context) =>
          onTrainedModel(context, async (subject, where) => {
            const logits = await engineLogits(subject.executor, subject.tokens);
            for (const [p, kl] of divergences(slowLogits(subject), logits, subject.slow.vocabSize).entries()) {
              context.measure(kl, `${where}, position ${p}`);
            }
          }),
      },
      oracle: {
        needs: ['model:sums-2m'],
        planned: PACK_POSITIONS,
        run: (context) =>
          onPack(context, async (prompt, { executor, slow, tokens }, packed) => {
            const logits = await engineLogits(executor, tokens);
            context.output(new Uint8Array(logits.buffer));
            for (const [p, kl] of divergences(await packed('lm_head.bin'), logits, slow.vocabSize).entries()) {
              context.measure(kl, `${prompt}, position ${p}`);
            }
          }),
      },
    },
    faults: [...known(ROPE_FAULTS, 'R1 R1-small R2 R2-small'), ...known(WEIGHT_FAULTS, 'W17 W17-small')],
    faultsOnWebgpu: onWebgpu('wgsl-lost-bias wgsl-rope-one-pair'),
  },

  'FALSIFY-HFQ2-002': {
    parts: {
      generated: searched(40, async (subject) => {
        const stages = await engineStages(subject.executor, subject.tokens);
        return Math.max(...noiseRatios(stages, slowForward(subject.slow, subject.tokens), subject).values());
      }),
      live: {
        needs: ['model:sums-2m'],
        planned: LIVE_LENGTHS.length * PACK_STAGES,
        run: (context) =>
          onTrainedModel(context, async (subject, where) => {
            const stages = await engineStages(subject.executor, subject.tokens);
            const ratios = noiseRatios(stages, slowForward(subject.slow, subject.tokens), subject);
            for (const [path, ratio] of ratios) context.measure(ratio, `${path}, ${where}`);
          }),
      },
      oracle: {
        needs: ['model:sums-2m'],
        planned: PROMPTS.length * PACK_STAGES,
        run: (context) =>
          onPack(context, async (prompt, subject, packed, paths) => {
            const reference = new Map<string, Float32Array>();
            for (const path of paths) reference.set(path.replace(/\.bin$/, ''), await packed(path));
            const ratios = noiseRatios(await engineStages(subject.executor, subject.tokens), reference, subject);
            for (const [path, ratio] of ratios) context.measure(ratio, `${path}, ${prompt}`);
          }),
      },
    },
    faults: [
      ...known(NORM_FAULTS, 'N1 N1-small'),
      ...known(ROPE_FAULTS, 'R1-small R2-small'),
      ...known(WEIGHT_FAULTS, 'W17-small'),
    ],
    faultsOnWebgpu: onWebgpu('wgsl-lost-bias wgsl-rope-one-pair'),
  },

  'FALSIFY-HFQ2-003': {
    parts: {
      generated: searched(60, async (subject) => {
        const logits = await engineLogits(subject.executor, subject.tokens);
        return countWrongChoices(slowLogits(subject), logits, subject).reduce((a, b) => a + b, 0);
      }),
      live: { needs: ['model:sums-2m'], planned: QUESTIONS, run: askQuestions },
      oracle: {
        needs: ['model:sums-2m'],
        planned: PACK_POSITIONS,
        run: (context) =>
          onPack(context, async (prompt, subject, packed) => {
            const logits = await engineLogits(subject.executor, subject.tokens);
            const wrong = countWrongChoices(await packed('lm_head.bin'), logits, subject);
            for (const [p, count] of wrong.entries()) context.measure(count, `${prompt}, position ${p}`);
          }),
      },
    },
    faults: [...known(ROPE_FAULTS, 'R1 R1-small'), ...known(WEIGHT_FAULTS, 'W4 W2-small')],
  },
};
