// That what llama.cpp hands on under a name is what the name says: stage by stage against a slow forward pass and against
// Transformers, in units of what rounding does to that stage.
import fc from 'fast-check';
import type { Part, PartContext } from '../../src/runner/run/falsifier.ts';
import type { LlamaCppExecutor } from '../../src/oracles/external/llama-cpp-subject/llama.cpp-executor.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { noiseRatios } from '../kit/claims/hf-parity.ts';
import { slowHfModel, slowTrainedModel } from '../kit/models/hf-model.ts';
import { tinyFile } from '../kit/models/tiny-files.ts';
import { TINY_VOCAB_SIZE } from '../kit/models/tiny-model.ts';
import { readTinyPack } from '../kit/models/tiny-packs.ts';
import { ropeRules } from '../kit/models/tiny-rope.ts';
import { FLOAT32_UNIT, float32Noise, slowForward } from '../kit/references/slow-forward.ts';
import type { Noise, SlowModel } from '../kit/references/slow-forward.ts';
import { slowTinyModel } from '../kit/references/slow-tiny-model.ts';
import { NEEDS, shownStages, VARIANTS, withSubjects } from './subject.ts';

/** What its graph computes together with the product after it, in every architecture. */
const FUSED = /\/(ffn|moe)_(silu|gelu)$/;
/** llama.cpp's llama knows no window. */
const IN_FLOAT32 = { matrixType: 'f32', slidingWindow: null } as const;
const UNIT_F16 = 2 ** -11;

interface Case {
  executor: LlamaCppExecutor;
  tokens: readonly number[];
  slow: SlowModel;
  reference: ReadonlyMap<string, ArrayLike<number>>;
  noiseOf: (random: SeededRandom) => Noise;
}

/** Weights are float16, and so are the activations that they meet on some processors; with flash attention also v. */
function float16Noise(random: SeededRandom): Noise {
  const noise = float32Noise(random);
  return (value, magnitude) => noise(value, (magnitude * UNIT_F16) / FLOAT32_UNIT);
}

/** Each stage of either side but the fused ones; one that the other lacks is NaN. */
async function ratiosOf(
  context: PartContext,
  { executor, tokens, slow, reference, noiseOf }: Case,
): Promise<[id: string, ratio: number][]> {
  const subject = { slow, tokens, random: new SeededRandom(context.seed) };
  const ratios = noiseRatios(await shownStages(executor, tokens), reference, subject, noiseOf);
  return [...ratios].filter(([id]) => !FUSED.test(id));
}

const inputs = fc.record({
  variant: fc.constantFrom(...VARIANTS),
  modelSeed: fc.nat(1),
  tokens: fc.array(fc.nat(TINY_VOCAB_SIZE - 1), { minLength: 2, maxLength: 12 }),
});

export const generatedNames: Part = {
  needs: NEEDS,
  planned: 40,
  run: (context) =>
    withSubjects(context, ({ engines, open }) =>
      context.search(inputs, context.planned, async ({ variant, modelSeed, tokens }) => {
        const source = engines.tinySource(variant, modelSeed, IN_FLOAT32);
        const executor = await open(await engines.fromTiny(source), { flashAttention: 'off', kvCache: 'f32' });
        const slow = slowTinyModel(source);
        const reference = slowForward(slow, tokens);
        const ratios = await ratiosOf(context, { executor, tokens, slow, reference, noiseOf: float32Noise });
        return Math.max(...ratios.map(([, ratio]) => ratio));
      }),
    ),
};

/** <|im_start|>user↵What is 2+2?<|im_end|>↵<|im_start|>assistant↵ */
const TRAINED_TOKENS = [766, 266, 198, 272, 269, 220, 17, 10, 17, 30, 767, 198, 766, 265, 198];
const TRAINED_STAGES = 71;

export const trainedNames: Part = {
  needs: [...NEEDS, 'model:sums-2m'],
  planned: 2 * TRAINED_STAGES,
  run: (context) =>
    withSubjects(context, async ({ engines, open }) => {
      const model = await engines.bundled('sums-2m.f16.gguf');
      const [slow, tokens] = [await slowTrainedModel(context), TRAINED_TOKENS];
      const reference = slowForward(slow, tokens);
      for (const flashAttention of ['off', 'on'] as const) {
        const executor = await open(model, { flashAttention });
        const ratios = await ratiosOf(context, { executor, tokens, slow, reference, noiseOf: float16Noise });
        for (const [id, ratio] of ratios) context.measure(ratio, `${id}, flash attention ${flashAttention}`);
      }
    }),
};

const TINY_MODELS = ['llama', 'qwen2', 'qwen3', 'qwen3moe', 'gemma2', 'gemma3', 'phi3-longrope'];
const TINY_STAGES = 360;
/** Rows of Q and K of a llama GGUF are permuted within each head, and with them what is computed from them. */
const PERMUTED = /qkv_matmul|q_post_rope|k_post_rope/;

export const namesOfTransformers: Part = {
  needs: NEEDS,
  planned: TINY_STAGES,
  run: (context) =>
    withSubjects(context, async ({ engines, open }) => {
      for (const name of TINY_MODELS) {
        const { manifest, stages, digest } = await readTinyPack(tinyFile(context, name, 'packs/stages.safetensors'));
        const { tokens, producer } = manifest;
        context.oracle({ name: `${producer.name} ${producer.dtype}`, version: producer.version, digest });
        const executor = await open(await engines.untrained(name, 'model.gguf'));
        const reference = new Map([...stages].map(([id, { values }]) => [id, values]));
        const slow = await slowHfModel((part) => tinyFile(context, name, `hf/${part}`), ropeRules);
        const ratios = await ratiosOf(context, { executor, tokens, slow, reference, noiseOf: float16Noise });
        for (const [id, ratio] of ratios) {
          if (name !== 'llama' || !PERMUTED.test(id)) context.measure(ratio, `${id} of ${name}`);
        }
      }
    }),
};
