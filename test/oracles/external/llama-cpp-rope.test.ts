// What GGUF files say of rope scaling, against llama.cpp itself on the same bytes: which keys it reads, how its
// attention factor is made, when it takes the long factors. float32 weights, so that nothing is rounded but by
// arithmetic.
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel, type ModelTransform } from '../../../src/engine/index.ts';
import { loadLlamaCpp, type LlamaCppAvailability } from '../../../src/oracles/external/index.ts';
import { encodeGguf, ggufEntry } from '../../fixtures/gguf.ts';
import { llamaCppDivergence, llamaCppLogits } from '../../../falsifiers/kit/oracles/llama-cpp-divergence.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { tinyImage, type TinyModelOptions } from '../../fixtures/tiny-model.ts';

const TOKENS = [70, 101, 33, 33, 8, 254, 20, 76, 2, 41, 9, 66, 140, 7, 7, 199];
/** Two float32 evaluations of one formula. Seen: 6.3e-13 at most. */
const MAX_KL = 1e-10;
const LEAST_OF_FAULT = 1e-7;

type Typed = Parameters<typeof ggufEntry> extends [string, ...infer Rest] ? Rest : never;

interface Case {
  architecture: NonNullable<TinyModelOptions['architecture']>;
  /** Behind `<architecture>.rope.scaling.`. */
  keys: Record<string, Typed>;
  factors?: boolean;
  headDim?: number;
}

const PAIRS = 16;
const FACTORS = {
  long: Array.from({ length: PAIRS }, (_, i) => 1 + i / 4),
  short: Array.from({ length: PAIRS }, (_, i) => 1 + i / 32),
};

function image({ architecture, keys, factors = false, headDim = 2 * PAIRS }: Case): Uint8Array {
  const scaling = Object.entries(keys).map(([name, typed]) => [`rope.scaling.${name}`, typed] as const);
  const all = [...scaling, ['attention.value_length', ['u32', headDim] as Typed] as const];
  const entries = Object.fromEntries(
    all.map(([name, typed]) => [`${architecture}.${name}`, ggufEntry(`${architecture}.${name}`, ...typed)]),
  );
  const { tensors, ...rest } = tinyImage({ architecture, headDim, contextLength: 4096, entries });
  const extra = Object.entries(FACTORS).map(([length, numbers]) => ({
    name: `rope_factors_${length}.weight`,
    type: 'f32' as const,
    shape: [PAIRS],
    data: new Uint8Array(Float32Array.from(numbers).buffer),
  }));
  return encodeGguf({ ...rest, tensors: factors ? [...tensors, ...extra] : tensors });
}

let loaded: LlamaCppAvailability;
const folder = await temporaryFolder();
beforeAll(async () => {
  loaded = await loadLlamaCpp();
});
afterAll(async () => {
  if (loaded.available) await loaded.llama.close();
});

async function written(of: Case): Promise<string> {
  const path = join(folder, `${randomUUID()}.gguf`);
  await writeFile(path, image(of));
  return path;
}

const divergence = async (of: Case, transform?: ModelTransform): Promise<number> =>
  llamaCppDivergence(loaded, await written(of), TOKENS, transform);

const yarn = { type: ['string', 'yarn'], factor: ['f32', 4] } satisfies Record<string, Typed>;
const longrope = { type: ['string', 'longrope'], attn_factor: ['f32', 1.25] } satisfies Record<string, Typed>;
const original = (n: number) => ({ original_context_length: ['u32', n] }) satisfies Record<string, Typed>;

const CASES: [string, Case][] = [
  ['yarn over 8 positions', { architecture: 'llama', keys: { ...yarn, ...original(8) } }],
  ['yarn over 1024 positions', { architecture: 'llama', keys: { ...yarn, ...original(1024) } }],
  ['yarn in qwen2', { architecture: 'qwen2', headDim: 8, keys: { ...yarn, ...original(1024) } }],
  ['yarn over the whole context, where no other is stated', { architecture: 'llama', keys: yarn }],
  [
    'yarn with an attention factor',
    { architecture: 'llama', keys: { ...yarn, ...original(64), attn_factor: ['f32', 1.5] } },
  ],
  ['yarn with a factor below 1', { architecture: 'llama', keys: { ...yarn, ...original(64), factor: ['f32', 0.5] } }],
  ['longrope, long factors', { architecture: 'llama', keys: { ...longrope, ...original(8) }, factors: true }],
  [
    'longrope, long factors from 255 on',
    { architecture: 'llama', keys: { ...longrope, ...original(255) }, factors: true },
  ],
  [
    'longrope, short factors up to 256',
    { architecture: 'llama', keys: { ...longrope, ...original(256) }, factors: true },
  ],
];

describe('rope scaling is llama.cpp’s:', () => {
  it.each(CASES)('%s', async (_, of) => {
    if (!loaded.available) return;
    expect(await divergence(of)).toBeLessThanOrEqual(MAX_KL);
    const unscaled: ModelTransform = {
      config: (config) => ({ ...config, rope: { ...config.rope, scaling: { type: 'none' } } }),
    };
    expect(await divergence(of, unscaled)).toBeGreaterThan(LEAST_OF_FAULT);
  });

  it.each<[string, Typed]>([
    ['yarn_beta_fast', ['f32', 8]],
    ['yarn_beta_slow', ['f32', 0.5]],
    ['yarn_ext_factor', ['f32', 0.5]],
    ['yarn_attn_factor', ['f32', 2]],
    ['yarn_log_multiplier', ['f32', 0.5]],
  ])('%s, which it does not read for these architectures, is refused', async (name, typed) => {
    if (!loaded.available) return;
    const plain: Case = { architecture: 'llama', keys: { ...yarn, ...original(64) } };
    const path = await written({ ...plain, keys: { ...plain.keys, [name]: typed } });
    const theirs = await llamaCppLogits(loaded, await written(plain), TOKENS);
    expect(await llamaCppLogits(loaded, path, TOKENS)).toEqual(theirs);
    await refusal('E_CONFIG_UNSUPPORTED', () => openModel(path));
  });
});
