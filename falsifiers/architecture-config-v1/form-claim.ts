// Tries to find a config.json that states its rotation or its windows twice and is read otherwise than Transformers reads
// it, or without a word. The rule of the generated part is written down here a second time, for one type of scaling.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { ARCHITECTURES } from '../../src/engine/architectures/registry.ts';
import { configFromHf } from '../../src/engine/config/config-from-hf.ts';
import type { Model } from '../../src/engine/model/model.ts';
import type { ModelConfig } from '../../src/engine/program/config.ts';
import { ropeAmplitude, ropeFrequencies } from '../../src/engine/program/rope-frequencies.ts';
import { RefuteError } from '../../src/errors.ts';
import type { Falsifier, PartContext } from '../../src/runner/run/falsifier.ts';
import { plants } from '../kit/claims/plants.ts';
import { HfFolders } from './hf-folders.ts';

type Json = Record<string, unknown>;

const MODELS = ['llama', 'mistral', 'qwen2', 'qwen3', 'qwen3moe', 'gemma2'] as const;
const THETA = 10_000;

interface Stated {
  rope_theta?: number;
  rope_type?: string;
  type?: string;
  factor?: number;
}

const group = fc.oneof(
  fc.constant<Stated>({}),
  fc.record<Stated>({ rope_theta: fc.constantFrom(500, 7_000, THETA), rope_type: fc.constant('default') }),
  fc
    .record({
      rope_theta: fc.option(fc.constantFrom(500, 7_000), { nil: undefined }),
      factor: fc.constantFrom(2, 4),
      isOld: fc.boolean(),
    })
    .map(({ isOld, rope_theta, factor }): Stated => ({
      factor,
      ...(rope_theta === undefined ? {} : { rope_theta }),
      [isOld ? 'type' : 'rope_type']: 'linear',
    })),
);

const statements = fc.record({
  model: fc.constantFrom(...MODELS),
  rope_parameters: group,
  rope_scaling: group,
  rope_theta: fc.option(fc.constantFrom(500, 7_000, THETA), { nil: undefined }),
});

/** A rope_scaling that is not empty replaces rope_parameters as a whole; what the group lacks is asked for beside it. */
function rule(of: { rope_parameters: Stated; rope_scaling: Stated; rope_theta?: number | undefined }) {
  const counts = Object.keys(of.rope_scaling).length > 0 ? of.rope_scaling : of.rope_parameters;
  const typeOf = (stated: Stated): string | undefined => stated.rope_type ?? stated.type;
  const theta = counts.rope_theta ?? of.rope_theta ?? THETA;
  const type = typeOf(counts) ?? 'default';
  const both = [of.rope_parameters, of.rope_scaling];
  const others = [...both.map((one) => one.rope_theta), of.rope_theta].filter((one) => one !== undefined);
  return {
    theta,
    factor: type === 'linear' ? (counts.factor ?? null) : null,
    disagrees:
      others.some((one) => one !== theta) ||
      both.some((one) => (typeOf(one) ?? type) !== type) ||
      (type === 'linear' && both.some((one) => (one.factor ?? counts.factor) !== counts.factor)),
  };
}

interface Vectors {
  producer: { name: string; version: string };
  lengths: number[];
  tokens: number;
  cases: {
    config: Json & { model_type: string };
    expected: { seen: number[]; rope?: { pairs: number[]; amplitude: number }[]; localTheta?: number };
  }[];
}

function flat(object: object, prefix = ''): [string, unknown][] {
  return Object.entries(object).flatMap(([key, value]: [string, unknown]): [string, unknown][] =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? flat(value, `${prefix}${key}.`)
      : [[prefix + key, value]],
  );
}

/** Of the models of the script: two heads of 16 channels, which share keys and values. */
function tensorsOf(modelType: string): { name: string; shape: number[] }[] {
  if (modelType === 'phi3') return [{ name: 'blk.0.attn_qkv.weight', shape: [64, 32] }];
  return [
    { name: 'blk.0.attn_q.weight', shape: [32, 32] },
    { name: 'blk.0.attn_k.weight', shape: [16, 32] },
  ];
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-5 * Math.abs(b);
}

function differences(
  config: ModelConfig,
  { lengths, tokens }: Vectors,
  expected: Vectors['cases'][number]['expected'],
) {
  const { layerCount, slidingWindow, fullAttentionLayers, localTheta, rope } = config;
  const seen = Array.from({ length: layerCount }, (_, layer) =>
    slidingWindow === null || fullAttentionLayers.includes(layer) ? tokens : Math.min(tokens, slidingWindow),
  );
  const wrong: string[] = [];
  if (seen.join() !== expected.seen.join()) wrong.push(`positions seen: ${seen.join()}, not ${expected.seen.join()}`);
  for (const [i, { pairs, amplitude }] of (expected.rope ?? []).entries()) {
    const ours = [...ropeFrequencies(rope, null, lengths[i] ?? 0)];
    const isSame = ours.length === pairs.length && ours.every((one, pair) => isNear(one, pairs[pair] ?? Number.NaN));
    if (!isSame || !isNear(ropeAmplitude(rope), amplitude)) wrong.push(`the rotation at ${lengths[i]} positions`);
  }
  if (expected.localTheta !== undefined && localTheta !== expected.localTheta) wrong.push('the theta of local layers');
  return wrong;
}

/** Of the recorded configs, refused ones are those that would pass something over; most are read. */
const LEAST_READ = 0.6;

async function againstTransformers(context: PartContext): Promise<void> {
  const text = await readFile(context.data('falsifiers/vectors/config-forms.json'), 'utf8');
  const vectors = JSON.parse(text) as Vectors;
  context.oracle({ ...vectors.producer, digest: createHash('sha256').update(text).digest('hex') });
  let read = 0;
  for (const { config: stated, expected } of vectors.cases) {
    const where = JSON.stringify(stated);
    try {
      const metadata = new Map(flat(stated));
      const { config } = configFromHf(
        { path: 'config.json', metadata, tensors: tensorsOf(stated.model_type) },
        ARCHITECTURES,
      );
      read += 1;
      const wrong = differences(config, vectors, expected);
      context.output(wrong.join());
      context.measure(wrong.length, `${where}: ${wrong.join('; ')}`);
    } catch (error) {
      if (!(error instanceof RefuteError)) throw error;
      context.output(error.code);
      context.measure(error.code.startsWith('E_CONFIG_') ? 0 : 1, `${where}: ${error.message}`);
    }
  }
  const share = read / vectors.cases.length;
  context.measure(share >= LEAST_READ ? 0 : 1, `${read} of ${vectors.cases.length} are read`);
}

/** Configs of config-forms.json. */
const FORMS = 240;

export const formClaim: Falsifier = {
  parts: {
    generated: {
      planned: 150,
      run: async (context) => {
        const folders = new HfFolders(context);
        await context.search(statements, context.planned, async ({ model, ...stated }) => {
          const folder = await folders.write(`models/tiny/${model}/hf`, stated);
          const opened = await context.openModel(folder).catch((error: unknown) => error);
          if (opened instanceof RefuteError) return 1;
          const read = opened as Model;
          await read.close();
          const { config, notices } = read;
          const wanted = rule(stated);
          const { theta, scaling } = config.rope;
          const factor = scaling.type === 'linear' ? scaling.factor : null;
          const isSaid = notices.some(({ code, severity }) => code === 'CONFIG-STATED-TWICE' && severity === 'warning');
          return (
            (theta === wanted.theta ? 0 : 1) +
            (factor === wanted.factor ? 0 : 1) +
            (isSaid === wanted.disagrees ? 0 : 1)
          );
        });
      },
    },
    live: {
      needs: ['model:sums-2m'],
      planned: 1,
      run: async (context) => {
        context.model('model:sums-2m', 'sums-2m.f16.gguf');
        const rope_scaling = { rope_type: 'linear', factor: 2 };
        const folder = await new HfFolders(context).write('models/sums-2m/hf', { rope_scaling });
        const { stdout, exitCode } = await context.program('apr', ['inspect', folder]);
        const isSaid =
          exitCode === 0 && stdout.includes('CONFIG-STATED-TWICE') && stdout.includes('rope_parameters.rope_type');
        context.output(String(isSaid));
        context.measure(isSaid ? 0 : 1, 'apr inspect names the key that does not count');
      },
    },
    oracle: { planned: FORMS + 1, run: againstTransformers },
  },
  faults: plants`
    src/engine/config/stated-rope.ts
    gross archconf-new-group-first: rope_parameters count before rope_scaling
    - has(OLD) ? [OLD, own] : [own, OLD];
    + has(own) ? [own, OLD] : [OLD, own];
    small archconf-groups-merged: what rope_scaling lacks is taken from rope_parameters
    - const group = this.isNested ?
    + const group = !this.isNested || this.isNested ?
    small archconf-nested-replaced in oracle: where layers rotate differently, rope_scaling replaces the others' numbers too
    - const group = this.isNested ? this
    + const group = this.isNested && first === '' ? this
    src/engine/config/other-values.ts
    small archconf-twice-in-silence: of two values the other is passed over in silence
    - return value !== undefined && JSON.stringify
    + return value === null && JSON.stringify
    src/engine/config/rope-from-hf.ts
    small archconf-original-in-group in oracle: the original context at the top does not go first
    - this.#stated.isNested ? undefined :
    + !this.#stated.isNested ? undefined :
    src/engine/architectures/qwen3moe.ts
    small archconf-moe-window in oracle: windows of Qwen3-MoE are for some layers
    - window: 'switched for all'
    + window: 'switched'
  `,
};
