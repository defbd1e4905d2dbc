// What GGUF files of each architecture say, against llama.cpp itself on the untrained models of models/tiny, given a
// vocabulary and float32 weights: that the files are what converters write, which keys llama.cpp reads, and what it
// takes where they are absent.
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel, type ModelConfig, type ModelTransform } from '../../../src/engine/index.ts';
import { loadLlamaCpp, type LlamaCppAvailability } from '../../../src/oracles/external/index.ts';
import type { GgufValue } from '../../../falsifiers/kit/models/gguf-bytes.ts';
import { TINY_TOKENS, tinyGgufBytes } from '../../../falsifiers/kit/models/tiny-gguf.ts';
import type { ggufEntry } from '../../fixtures/gguf.ts';
import { llamaCppDivergence } from '../../../falsifiers/kit/oracles/llama-cpp-divergence.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

type Typed = Parameters<typeof ggufEntry> extends [string, ...infer Rest] ? Rest : never;
/** By key behind the architecture; null: left out. */
type Keys = Readonly<Record<string, Typed | null>>;

let loaded: LlamaCppAvailability;
const folder = await temporaryFolder();
beforeAll(async () => {
  loaded = await loadLlamaCpp();
});
afterAll(async () => {
  if (loaded.available) await loaded.llama.close();
});

async function written(name: string, keys: Keys = {}): Promise<string> {
  const source = fileURLToPath(new URL(`../../../models/tiny/${name}/model.gguf`, import.meta.url));
  const path = join(folder, `${randomUUID()}.gguf`);
  await writeFile(path, await tinyGgufBytes(source, Object.fromEntries(Object.entries(keys).map(asValue))));
  return path;
}

function asValue([key, typed]: [string, Typed | null]): [string, GgufValue | null] {
  if (typed === null) return [key, null];
  const [type, value] = typed;
  const of = type.endsWith('[]') ? type.slice(0, -2) : null;
  return [key, (of === null ? { type, value } : { type: 'array', of, values: value }) as GgufValue];
}

const config = (change: (own: ModelConfig) => Partial<ModelConfig>): ModelTransform => ({
  config: (own) => ({ ...own, ...change(own) }),
});
/** llama.cpp ignores the window of some architectures. */
const noWindow = config(() => ({ slidingWindow: null }));

/** Two float32 evaluations of one formula. Seen: 6.6e-12 at most. */
const MAX_KL = 1e-10;
/** llama.cpp has GELU in a table of float16. Seen: 1.7e-8 at most. */
const MAX_KL_OF_GELU = 2e-7;
const LEAST_OF_FAULT = 1e-5;
const limitOf = (name: string): number => (name.startsWith('gemma') ? MAX_KL_OF_GELU : MAX_KL);

describe('a tiny GGUF file is llama.cpp’s:', () => {
  it.each<[string, ModelTransform?]>([
    ['llama'],
    ['llama-linear'],
    ['llama-yarn'],
    ['llama-longrope'],
    ['mistral', noWindow],
    ['qwen2'],
    ['qwen3'],
    ['qwen3-yarn'],
    ['qwen3moe'],
    ['gemma2'],
    ['gemma3'],
    ['phi3', noWindow],
    ['phi3-longrope'],
  ])('%s', async (name, transform) => {
    if (!loaded.available) return;
    const kl = await llamaCppDivergence(loaded, await written(name), TINY_TOKENS, transform);
    expect(kl).toBeLessThanOrEqual(limitOf(name));
  });
});

const local = (theta: number) => config(() => ({ localTheta: theta }));
const full = (...fullAttentionLayers: number[]) => config(() => ({ fullAttentionLayers }));
const rope = (change: Partial<ModelConfig['rope']>) => config((own) => ({ rope: { ...own.rope, ...change } }));
const unscaled = rope({ scaling: { type: 'none' } });
const linear = rope({ scaling: { type: 'linear', factor: 8 } });
const noAmplitude = config(({ rope: own }) => ({
  rope: { ...own, scaling: { ...own.scaling, attentionFactor: 1 } as typeof own.scaling },
}));
const YARN: Keys = { 'rope.scaling.type': ['string', 'yarn'], 'rope.scaling.original_context_length': ['u32', 16] };
const NO_WINDOW: Keys = { 'attention.sliding_window': null };
const pattern = (...typed: Typed): Keys => ({ 'attention.sliding_window_pattern': typed });
const original = (length: number): Keys => ({ 'rope.scaling.original_context_length': ['u32', length] });

/** The last is a reading without the key, which must then be far from llama.cpp's. */
describe('a key is read as llama.cpp reads it:', () => {
  it.each<[string, string, Keys, ModelTransform]>([
    ['gemma3', 'theta of layers with a window', { 'rope.freq_base_swa': ['f32', 100] }, local(10_000)],
    ['gemma3', 'no theta of layers with a window', {}, local(1_000_000)],
    ['gemma3', 'scaling, of the other layers', {}, unscaled],
    ['gemma3', 'a period of windows', pattern('u32', 3), full(5)],
    ['gemma3', 'no period of windows', {}, full(1, 3, 5)],
    ['gemma3', 'a list of windows', pattern('bool[]', [false, true, true, false, true, true]), full(5)],
    ['gemma3', 'a period of 0: every layer has the window', pattern('u32', 0), full(5)],
    ['gemma3', 'a list of numbers', pattern('u32[]', [0, 2, 1, 0, 1, 1]), full(5)],
    ['gemma2', 'a list of numbers', pattern('i32[]', [0, 1, 1]), full(1)],
    ['gemma2', 'a period of windows', pattern('u32', 3), full(1)],
    ['gemma2', 'a list of windows', pattern('bool[]', [true, true, false]), full(1)],
    ['gemma3', 'no window', NO_WINDOW, config(() => ({ slidingWindow: 4 }))],
    ['gemma3', 'a window of 0', { 'attention.sliding_window': ['u32', 0] }, config(() => ({ slidingWindow: 4 }))],
    ['gemma3', 'a cap of the logits', { final_logit_softcapping: ['f32', 4] }, config(() => ({ logitSoftcap: null }))],
    ['gemma3', 'yarn', YARN, linear],
    ['gemma3', 'yarn without windows', { ...YARN, ...NO_WINDOW }, linear],
    ['phi3', 'a part of the head', { 'rope.dimension_count': ['u32', 8], ...NO_WINDOW }, rope({ rotaryDim: 12 })],
    ['phi3-longrope', 'short factors up to 256', original(256), unscaled],
    ['phi3-longrope', 'long factors from 255 on', original(255), unscaled],
    [
      'phi3-longrope',
      'the context where no original one is stated',
      { 'rope.scaling.original_context_length': null },
      unscaled,
    ],
    ['phi3-longrope', 'an attention factor', { 'rope.scaling.attn_factor': ['f32', 1.5] }, noAmplitude],
    ['phi3-longrope', 'a type, longrope', { 'rope.scaling.type': ['string', 'longrope'] }, unscaled],
    ['phi3-longrope', 'a type, none', { 'rope.scaling.type': ['string', 'none'] }, unscaled],
  ])('%s, %s', async (name, _, keys, fault) => {
    if (!loaded.available) return;
    const path = await written(name, keys);
    expect(await llamaCppDivergence(loaded, path, TINY_TOKENS)).toBeLessThanOrEqual(limitOf(name));
    expect(await llamaCppDivergence(loaded, path, TINY_TOKENS, fault)).toBeGreaterThan(LEAST_OF_FAULT);
  });
});

describe('a key that llama.cpp reads and this does not is refused:', () => {
  it.each<[string, Typed]>([
    ['rope.dimension_count_swa', ['u32', 8]],
    ['attention.key_length_swa', ['u32', 8]],
    ['attention.causal', ['bool', false]],
  ])('%s', async (key, typed) => {
    const path = await written('gemma3', { [key]: typed });
    expect((await refusal('E_CONFIG_UNSUPPORTED', () => openModel(path))).message).toContain(`gemma3.${key}`);
  });
});
