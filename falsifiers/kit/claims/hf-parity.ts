// What parity with Transformers is measured by: KL per position, every stage in units of float32 noise, the chosen token;
// and the claims that are made of it for one architecture, on the untrained models of models/tiny. The reference is other
// people's code (packs of Transformers in float64) and, where inputs are searched, a slow forward pass written from the
// formulas; neither has seen the product's program.
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { captureRun } from '../../../src/engine/capture/capture-run.ts';
import { MemorySink } from '../../../src/engine/capture/sink.ts';
import type { Executor } from '../../../src/engine/program/executor.ts';
import type { Falsifier, Part, PartContext, PlantedFault } from '../../../src/runner/run/falsifier.ts';
import { indexOfLargest, klDivergence, marginOf, worstRowError } from '../judges/comparisons.ts';
import { runTapped } from './engine-runs.ts';
import { onWebgpu } from './on-webgpu.ts';
import { SeededRandom } from '../arbitraries/random.ts';
import { float32Noise, FLOAT32_UNIT, slowForward, type Noise, type SlowModel } from '../references/slow-forward.ts';
import { slowHfModel } from '../models/hf-model.ts';
import { tinyFile, tinyPath } from '../models/tiny-files.ts';
import { readTinyPack } from '../models/tiny-packs.ts';
import { ropeRules } from '../models/tiny-rope.ts';

/** What one measure is given: an engine, its tokens, and the same model as the slow forward pass sees it. */
export interface Subject {
  executor: Executor;
  slow: SlowModel;
  tokens: readonly number[];
  random: SeededRandom;
}

/** Values of every stage by id, and the length of a row. */
export type Stages = Map<string, { data: ArrayLike<number>; width: number }>;

/** KL of every position; NaN where a logit is not finite, and alone where there are not as many logits as there should be. */
export function divergences(reference: ArrayLike<number>, logits: Float32Array, vocabSize: number): number[] {
  if (logits.length === 0 || logits.length !== reference.length) return [Number.NaN];
  const rows = Array.from(
    { length: logits.length / vocabSize },
    (_, p) => [p * vocabSize, (p + 1) * vocabSize] as const,
  );
  const whole = Float64Array.from(reference);
  return rows.map(([start, end]) => klDivergence(whole.subarray(start, end), logits.subarray(start, end)));
}

export async function engineLogits(executor: Executor, tokens: readonly number[]): Promise<Float32Array> {
  return (await runTapped(executor, { tokens, logits: 'all' })).logits;
}

export function slowLogits({ slow, tokens }: Subject): Float64Array {
  return slowForward(slow, tokens).get('lm_head') ?? new Float64Array(0);
}

/** Every stage of the program in one run of the engine. */
export async function engineStages(executor: Executor, tokens: readonly number[]): Promise<Stages> {
  const sink = new MemorySink();
  await captureRun({ executor, tokens, stages: executor.program.stages, positions: 'all', sink });
  return new Map([...sink.stages].map(([id, { data, shape }]) => [id, { data, width: shape.at(-1) ?? 1 }]));
}

/** How often a noisy float32 pass is tried; the largest error of them is the noise. */
const NOISE_RUNS = 2;

/**
 * Per stage: the engine's worst row against the reference, in units of what arithmetic in float32, or as `noiseOf` says,
 * does to that stage when every stored value is one unit roundoff off. A stage that one side lacks is NaN.
 */
export function noiseRatios(
  stages: Stages,
  reference: ReadonlyMap<string, ArrayLike<number>>,
  subject: Omit<Subject, 'executor'>,
  noiseOf: (random: SeededRandom) => Noise = float32Noise,
): Map<string, number> {
  const { slow, tokens, random } = subject;
  const clean = slowForward(slow, tokens);
  const noisy = Array.from({ length: NOISE_RUNS }, () => slowForward(slow, tokens, noiseOf(random)));
  const ratios = new Map<string, number>();
  // The slow pass goes in order of execution, so a stage that one side lacks is named in its place and not at the end.
  for (const path of new Set([...clean.keys(), ...stages.keys(), ...reference.keys()])) {
    const [ours, theirs, exact] = [stages.get(path), reference.get(path), clean.get(path)];
    if (ours === undefined || theirs === undefined || exact === undefined) {
      ratios.set(path, NaN);
      continue;
    }
    const errors = noisy.map((run) => worstRowError(exact, run.get(path) ?? [], ours.width));
    // A stage that is only copied has no noise; then one roundoff of the reference's own storage is allowed.
    ratios.set(path, worstRowError(theirs, ours.data, ours.width) / Math.max(FLOAT32_UNIT, ...errors));
  }
  return ratios;
}

/** Positions at which another token is chosen although the reference's margin is beyond the noise of both sides. */
export function countWrongChoices(reference: ArrayLike<number>, logits: Float32Array, subject: Subject): number[] {
  const { slow, tokens, random } = subject;
  const { vocabSize } = slow;
  const exact = slowLogits(subject);
  const noisy = slowForward(slow, tokens, float32Noise(random)).get('lm_head') ?? new Float64Array(0);
  const whole = Float64Array.from(reference);
  return tokens.map((_, p) => {
    const row = whole.subarray(p * vocabSize, (p + 1) * vocabSize);
    let noise = 0;
    for (let i = p * vocabSize; i < (p + 1) * vocabSize; i++) {
      noise = Math.max(noise, Math.abs((noisy[i] ?? NaN) - (exact[i] ?? NaN)));
    }
    const chosen = indexOfLargest(logits.subarray(p * vocabSize, (p + 1) * vocabSize));
    const isTie = marginOf(row) <= 16 * noise;
    return chosen === indexOfLargest(row) || isTie ? 0 : 1;
  });
}

/** Claims about one architecture. */
export interface ParityPlan {
  /** Models of models/tiny, and the files of each that are run: `hf`, `model.gguf`. */
  models: readonly { name: string; files: readonly string[] }[];
  /** Stage files of the packs `stages`, all models and files together. */
  stageCount: number;
  faults: { logits: readonly PlantedFault[]; stages: readonly PlantedFault[]; choice: readonly PlantedFault[] };
  /** Names of what is planted in the WebGPU executor, for logits and for stages; the choice is not asked of it. */
  onWebgpu: string;
}

const TINY_VOCAB = 80;
const MAX_TOKENS = 14;
/** Positions of the pack `logits`. */
const LOGIT_POSITIONS = 12;
/** Rows of Q and K of a llama GGUF are permuted within each head, and with them what is computed from them. */
const PERMUTED = /qkv_matmul|q_post_rope|k_post_rope/;

/** KL, stages and choice, in this order. */
export function parityFalsifiers(plan: ParityPlan): [Falsifier, Falsifier, Falsifier] {
  const { models, stageCount, faults } = plan;
  const faultsOnWebgpu = onWebgpu(plan.onWebgpu);
  const runs = models.flatMap(({ name, files }) => files.map((file) => ({ name, file })));
  const positions = runs.length * LOGIT_POSITIONS;
  return [
    {
      parts: {
        generated: searched(runs, 80, async (subject) => {
          const logits = await engineLogits(subject.executor, subject.tokens);
          return Math.max(...divergences(slowLogits(subject), logits, subject.slow.vocabSize));
        }),
        oracle: onPacks(runs, 'logits', positions, async (context, subject, reference, where) => {
          const logits = await engineLogits(subject.executor, subject.tokens);
          context.output(new Uint8Array(logits.buffer));
          const theirs = reference.get('lm_head') ?? new Float64Array(0);
          for (const [p, kl] of divergences(theirs, logits, subject.slow.vocabSize).entries()) {
            context.measure(kl, `${where}, position ${p}`);
          }
        }),
      },
      faults: faults.logits,
      faultsOnWebgpu,
    },
    {
      parts: {
        generated: searched(runs, 40, async (subject, isPermuted) => {
          const stages = await engineStages(subject.executor, subject.tokens);
          const ratios = noiseRatios(stages, slowForward(subject.slow, subject.tokens), subject);
          return Math.max(...comparable(ratios, isPermuted).values());
        }),
        oracle: onPacks(runs, 'stages', stageCount, async (context, subject, reference, where, isPermuted) => {
          const stages = await engineStages(subject.executor, subject.tokens);
          for (const [path, ratio] of comparable(noiseRatios(stages, reference, subject), isPermuted)) {
            context.measure(ratio, `${path}, ${where}`);
          }
        }),
      },
      faults: faults.stages,
      faultsOnWebgpu,
    },
    {
      parts: {
        generated: searched(runs, 80, async (subject) => {
          const logits = await engineLogits(subject.executor, subject.tokens);
          return countWrongChoices(slowLogits(subject), logits, subject).reduce((a, b) => a + b, 0);
        }),
        oracle: onPacks(runs, 'logits', positions, async (context, subject, reference, where) => {
          const logits = await engineLogits(subject.executor, subject.tokens);
          const wrong = countWrongChoices(reference.get('lm_head') ?? new Float64Array(0), logits, subject);
          for (const [p, count] of wrong.entries()) context.measure(count, `${where}, position ${p}`);
        }),
      },
      faults: faults.choice,
    },
  ];
}

/** What stands in another order is left out by name; a stage that one side lacks stays. */
function comparable(ratios: ReadonlyMap<string, number>, isPermuted: boolean): Map<string, number> {
  return new Map([...ratios].filter(([path]) => !isPermuted || !PERMUTED.test(path)));
}

interface TinyRun {
  name: string;
  file: string;
}

async function openRun(
  context: PartContext,
  { name, file }: TinyRun,
): Promise<{ executor: Executor; slow: SlowModel; isPermuted: boolean; close(): Promise<void> }> {
  const config = JSON.parse(await readFile(tinyFile(context, name, 'hf/config.json'), 'utf8')) as {
    model_type: string;
  };
  const model = await context.openModel(tinyPath(context, name, file));
  const executor = await context.openExecutor(model);
  return {
    executor,
    slow: await slowHfModel((part) => tinyFile(context, name, `hf/${part}`), ropeRules),
    isPermuted: file !== 'hf' && ['llama', 'mistral'].includes(config.model_type),
    close: async () => {
      await executor.close();
      await model.close();
    },
  };
}

/** Searched tokens on every model and file of the plan. */
function searched(
  runs: readonly TinyRun[],
  cpuCases: number,
  measure: (subject: Subject, isPermuted: boolean) => Promise<number>,
): Part {
  const inputs = fc.record({
    run: fc.nat(runs.length - 1),
    tokens: fc.array(fc.nat(TINY_VOCAB - 1), { minLength: 2, maxLength: MAX_TOKENS }),
  });
  return {
    planned: { cpu: cpuCases, webgpu: 2 * runs.length },
    run: async (context) => {
      const opened = new Map<number, ReturnType<typeof openRun>>();
      try {
        await context.search(inputs, context.planned, async ({ run, tokens }) => {
          const pending = opened.get(run) ?? openRun(context, runs[run] ?? { name: '', file: '' });
          opened.set(run, pending);
          const { executor, slow, isPermuted } = await pending;
          return measure({ executor, slow, tokens, random: new SeededRandom(context.seed) }, isPermuted);
        });
      } finally {
        for (const pending of opened.values()) await (await pending).close();
      }
    },
  };
}

/** The pack of every model, on every file of the plan. */
function onPacks(
  runs: readonly TinyRun[],
  prompt: 'stages' | 'logits',
  planned: number,
  measure: (
    context: PartContext,
    subject: Subject,
    reference: ReadonlyMap<string, Float64Array>,
    where: string,
    isPermuted: boolean,
  ) => Promise<void>,
): Part {
  return {
    planned,
    run: async (context) => {
      for (const run of runs) {
        const { manifest, digest, stages } = await readTinyPack(
          tinyFile(context, run.name, `packs/${prompt}.safetensors`),
        );
        const { name, version, dtype } = manifest.producer;
        context.oracle({ name: `${name} ${dtype}`, version, digest });
        const opened = await openRun(context, run);
        const { executor, slow, isPermuted } = opened;
        try {
          const subject = { executor, slow, tokens: manifest.tokens, random: new SeededRandom(context.seed) };
          const reference = new Map([...stages].map(([path, { values }]) => [path, values]));
          await measure(context, subject, reference, `${run.name}/${run.file}`, isPermuted);
        } finally {
          await opened.close();
        }
      }
    },
  };
}
