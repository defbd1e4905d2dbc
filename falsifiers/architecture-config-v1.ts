// Tries to find a config.json or a GGUF file whose hyperparameters are not what the engine believes: a stated value that
// is lost, a default that is not printed, an architecture that is taken for another. The oracle is what Transformers' own
// config classes make of the same files. Not claimed: that a config belongs to its weights (shapes are checked on their own).
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { DISK } from '../src/engine/io/disk.ts';
import { ARCHITECTURES } from '../src/engine/architectures/registry.ts';
import { configFromHf } from '../src/engine/config/config-from-hf.ts';
import { flattened, readJsonFile } from '../src/engine/formats/json-file.ts';
import type { Model } from '../src/engine/model/model.ts';
import type { ModelConfig } from '../src/engine/program/config.ts';
import { RefuteError } from '../src/errors.ts';
import type { Falsifier, PartContext } from '../src/runner/run/falsifier.ts';
import {
  DROP_CASES,
  LEFT_OUT,
  leftOut,
  PUBLISHED_CASES,
  renamed,
  resolved,
  SET_CASES,
  STATED,
  stated,
  TINY,
  unknownNames,
  type TinyName,
} from './architecture-config-v1/cases.ts';
import { formClaim } from './architecture-config-v1/form-claim.ts';
import { HfFolders, type ConfigChange } from './architecture-config-v1/hf-folders.ts';
import { keyClaim } from './architecture-config-v1/key-claim.ts';
import { plants } from './kit/claims/plants.ts';

const SOURCES: ReadonlySet<string> = new Set(['metadata', 'tensor', 'architecture', 'default']);

/** Hyperparameters without a source, or with words that say nothing. */
function countUnsourced({ provenance }: ModelConfig): number {
  return Object.values(provenance).filter(({ source, detail }) => !SOURCES.has(source) || detail === '').length;
}

async function withModel<Result>(context: PartContext, path: string, use: (model: Model) => Result): Promise<Result> {
  const model = await context.openModel(path);
  try {
    return use(model);
  } finally {
    await model.close();
  }
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** 0 where every default was taken in the open: recorded as one, and named in a notice. */
function countSilent(model: Model, key: string): number {
  const taken = Object.values(model.config.provenance).filter(({ source }) => source === 'default').length;
  const named = model.notices.filter(
    ({ code, message }) => code.endsWith('-DEFAULT') && message.includes(missedName(key)),
  );
  return (taken === 1 ? 0 : 1) + (named.length === 1 ? 0 : 1) + countUnsourced(model.config);
}

/** rope_parameters is left out as a whole; what is missed of it is its theta. */
function missedName(key: string): string {
  return key === 'rope_parameters' ? 'rope_theta' : key;
}

interface Vectors {
  producer: { name: string; version: string };
  cases: { model: string; change: ConfigChange; expected: Record<string, unknown> }[];
  published: { name: string; config: Record<string, unknown>; expected: Record<string, unknown> }[];
}

async function readVectors(context: PartContext): Promise<Vectors> {
  const text = await readFile(context.data('falsifiers/vectors/architecture-config.json'), 'utf8');
  const vectors = JSON.parse(text) as Vectors;
  context.oracle({ ...vectors.producer, digest: createHash('sha256').update(text).digest('hex') });
  return vectors;
}

/** What checkpoints state, beside the tensors that say how wide a head is where the config does not. */
async function onPublished(context: PartContext): Promise<void> {
  for (const { name, config, expected } of (await readVectors(context)).published) {
    const { headCount, kvHeadCount, headDim } = expected as { headCount: number; kvHeadCount: number; headDim: number };
    const rows = { attn_q: headCount, attn_k: kvHeadCount, attn_qkv: headCount + 2 * kvHeadCount };
    const parts = config['model_type'] === 'phi3' ? (['attn_qkv'] as const) : (['attn_q', 'attn_k'] as const);
    const tensors = parts.map((part) => ({ name: `blk.0.${part}.weight`, shape: [rows[part] * headDim] }));
    const path = join(context.folder, `${name}.json`);
    await writeFile(path, JSON.stringify(config));
    const metadata = flattened(await readJsonFile(DISK, path, { maxBytes: 2 ** 16, maxValues: 2 ** 12 }));
    const read = configFromHf({ path, metadata, tensors }, ARCHITECTURES);
    const ours: Record<string, unknown> = { ...read.config, ...resolved(read.config) };
    const wrong = Object.keys(expected).filter((key) => !same(ours[key], expected[key]));
    context.output(JSON.stringify(ours));
    context.measure(wrong.length + countUnsourced(read.config), `${name}: ${wrong.join(', ')}`);
  }
}

async function onVectors(context: PartContext, isWanted: (change: ConfigChange) => boolean): Promise<void> {
  const { cases } = await readVectors(context);
  const folders = new HfFolders(context);
  for (const { model, change, expected } of cases.filter((one) => isWanted(one.change))) {
    const folder = await folders.write(`models/tiny/${model}/hf`, change);
    const ours = await withModel(context, folder, ({ config }) => resolved(config));
    context.output(JSON.stringify(ours));
    const wrong = Object.keys(expected).filter((key) => !same(ours[key], expected[key]));
    context.measure(wrong.length, `${model} with ${JSON.stringify(change)}: ${wrong.join(', ')}`);
  }
}

const isDrop = (change: ConfigChange): boolean => '-' in change;

/** 0 where the model is refused for its architecture, and for nothing else. */
async function countTaken(open: () => Promise<Model>): Promise<number> {
  try {
    await (await open()).close();
    return 1;
  } catch (error) {
    return error instanceof RefuteError && error.code === 'E_CONFIG_ARCHITECTURE' ? 0 : 1;
  }
}

/** A GGUF file under another architecture of the same length, so that nothing else moves. */
async function renamedGguf(context: PartContext, model: TinyName, name: string, index: number): Promise<string> {
  const bytes = await readFile(context.data(`models/tiny/${model}/model.gguf`));
  const { own, unknown } = renamed(model, name);
  const at = bytes.indexOf(own, bytes.indexOf('general.architecture') + 20);
  bytes.write(unknown, at, 'latin1');
  const path = join(context.folder, `renamed-${index}.gguf`);
  await writeFile(path, bytes);
  return path;
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-ARCHCONF-001': {
    parts: {
      generated: {
        planned: 120,
        run: async (context) => {
          const folders = new HfFolders(context);
          await context.search(stated, context.planned, async ({ index, model, value }) => {
            const of = STATED[index];
            if (of === undefined) return Number.NaN;
            const folder = await folders.write(`models/tiny/${model}/hf`, of.change(value));
            return withModel(context, folder, ({ config }) => {
              const isRight = same(of.read(config), of.expected(value));
              return (isRight ? 0 : 1) + countUnsourced(config);
            });
          });
        },
      },
      live: {
        needs: ['model:sums-2m'],
        planned: 2,
        run: async (context) => {
          for (const path of [
            context.model('model:sums-2m', 'sums-2m.f16.gguf'),
            context.data('models/sums-2m/hf/model.safetensors'),
          ]) {
            const shown = await context.program('apr', ['inspect', path, '--json']);
            const config = (JSON.parse(shown.stdout) as { config: { key: string; provenance: { source: string } }[] })
              .config;
            const keys = await withModel(context, path, (model) => Object.keys(model.config.provenance));
            const wrong = keys.filter(
              (key) => !SOURCES.has(config.find((entry) => entry.key === key)?.provenance.source ?? ''),
            );
            context.output(JSON.stringify(config.map(({ key, provenance }) => [key, provenance.source])));
            context.measure(wrong.length + (shown.exitCode === 0 ? 0 : 1), `apr inspect ${path}: ${wrong.join(', ')}`);
          }
        },
      },
      oracle: {
        planned: SET_CASES + PUBLISHED_CASES,
        run: async (context) => {
          await onVectors(context, (change) => !isDrop(change));
          await onPublished(context);
        },
      },
    },
    faults: plants`
      src/engine/config/stated-rope.ts
      gross archconf-theta-lost: rope_theta of Transformers 5 is not read
      - layerType === undefined ? 'rope_parameters.'
      + layerType === undefined ? 'rope_params.'
      src/engine/config/rope-from-hf.ts
      small archconf-rotated-part-lost in oracle: partial_rotary_factor is not read
      - (candidate) => isPartial && reader
      + (candidate) => !isPartial && reader
      src/engine/config/rope-scaling.ts
      small archconf-yarn-mscale-lost in oracle: yarn's attention factor is inferred from the factor alone
      - return mscale === undefined || mscaleAllDim === undefined ?
      + return mscale === undefined || mscaleAllDim !== 0 ?
      src/engine/config/window-from-hf.ts
      small archconf-window-one-layer: one layer too few is without a window
      - layer < first)
      + layer < first - 1)
      src/engine/architectures/gemma2.ts
      gross archconf-scalar-ignored: the scale of the scores is that of the default, whatever query_pre_attn_scalar says
      - Math.sqrt(scalar)
      + Math.sqrt(scalar > 0 ? DEFAULTS.queryScalar : 1)
      src/engine/architectures/gemma3.ts
      gross archconf-local-theta-lost: the theta of layers with a window is that of the default, whatever is stated
      - reader.positive('localTheta', key) ??
      + reader.positive('localTheta', '') ??
      small archconf-class-default in oracle: a default of the class is that of a smaller model
      - maxPositions: 131_072
      + maxPositions: 32_768
    `,
  },

  'FALSIFY-ARCHCONF-002': {
    parts: {
      generated: {
        planned: 60,
        run: async (context) => {
          const folders = new HfFolders(context);
          await context.search(leftOut, context.planned, async ({ index, model }) => {
            const of = LEFT_OUT[index];
            if (of === undefined) return Number.NaN;
            const folder = await folders.write(`models/tiny/${model}/hf`, { '-': of.key });
            return withModel(context, folder, (opened) => {
              return (same(of.read(opened.config), of.expected) ? 0 : 1) + countSilent(opened, of.key);
            });
          });
        },
      },
      live: {
        needs: ['model:sums-2m'],
        planned: 1,
        run: async (context) => {
          context.model('model:sums-2m', 'sums-2m.f16.gguf');
          const folder = await new HfFolders(context).write('models/sums-2m/hf', { '-': 'rope_parameters' });
          const { stdout, exitCode } = await context.program('apr', ['inspect', folder]);
          const isPrinted = stdout.includes('ROPE-THETA-DEFAULT') && exitCode === 0;
          context.output(String(isPrinted));
          context.measure(isPrinted ? 0 : 1, 'apr inspect without rope_parameters prints the default that is taken');
        },
      },
      oracle: { planned: DROP_CASES, run: (context) => onVectors(context, isDrop) },
    },
    faults: plants`
      src/engine/config/config-reader.ts
      gross archconf-silent-default: a default is taken without a word
      -     this.notices.push({ severity: 'note', code, message });
      -
      +
      small archconf-default-as-stated: a default is recorded as if the file had said it
      - this.record(name, 'default', why);
      + this.record(name, 'metadata', why);
      src/engine/config/config-from-hf.ts
      small archconf-eps-default: the default of eps is that of another reader
      - ?.['rms_norm_eps'] ?? 1e-6
      + ?.['rms_norm_eps'] ?? 1e-5
    `,
  },

  'FALSIFY-ARCHCONF-003': {
    parts: {
      generated: {
        planned: 80,
        run: async (context) => {
          const folders = new HfFolders(context);
          let index = 0;
          const inputs = fc.record({ model: fc.constantFrom(...TINY), name: unknownNames, isGguf: fc.boolean() });
          await context.search(inputs, context.planned, async ({ model, name, isGguf }) => {
            index += 1;
            // Within the length of the name that is there; padded names are unknown too.
            const path = isGguf
              ? await renamedGguf(context, model, name.replaceAll(/[^ -~]/g, '?'), index)
              : await folders.write(`models/tiny/${model}/hf`, { model_type: name });
            return countTaken(() => context.openModel(path));
          });
        },
      },
      live: {
        needs: ['model:sums-2m'],
        planned: 1,
        run: async (context) => {
          context.model('model:sums-2m', 'sums-2m.f16.gguf');
          const folder = await new HfFolders(context).write('models/sums-2m/hf', { model_type: 'qwen2_moe' });
          const { stderr, exitCode } = await context.program('apr', [
            'run',
            folder,
            '--tokens',
            '1,5,9',
            '--max-tokens',
            '1',
            '--no-gpu',
          ]);
          const isRefused = exitCode === 3 && stderr.includes('E_CONFIG_ARCHITECTURE') && stderr.includes('qwen2_moe');
          context.output(String(isRefused));
          context.measure(isRefused ? 0 : 1, 'apr run refuses an architecture that it does not know');
        },
      },
    },
    faults: plants`
      src/engine/config/config-from-hf.ts
      gross archconf-unknown-is-llama: what is not known is taken for llama
      - findModelType(architectures, name);
      + findModelType(architectures, name) ?? findModelType(architectures, 'llama');
      src/engine/config/config-from-gguf.ts
      small archconf-prefix: in a GGUF file, a name that only begins like a known one is taken for it
      - architectures.get(name) : undefined;
      + architectures.get(name.startsWith('llam') ? 'llama' : name) : undefined;
    `,
  },

  'FALSIFY-ARCHCONF-004': keyClaim,
  'FALSIFY-ARCHCONF-005': formClaim,
};
