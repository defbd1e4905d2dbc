// Configs to search: numbers that a config.json may state and what they must become, keys that it may leave out and the
// defaults that are then Transformers', names of architectures that are none. Written from Transformers' documentation.
import fc from 'fast-check';
import type { ModelConfig } from '../../src/engine/program/config.ts';
import type { ConfigChange } from './hf-folders.ts';

/** Of models/tiny, each with its name in a GGUF file and in config.json. */
const NAMES = {
  llama: ['llama', 'llama'],
  'llama-linear': ['llama', 'llama'],
  mistral: ['llama', 'mistral'],
  qwen2: ['qwen2', 'qwen2'],
  qwen3: ['qwen3', 'qwen3'],
  qwen3moe: ['qwen3moe', 'qwen3_moe'],
  gemma2: ['gemma2', 'gemma2'],
  gemma3: ['gemma3', 'gemma3_text'],
  phi3: ['phi3', 'phi3'],
} as const;

export type TinyName = keyof typeof NAMES;

export const TINY = Object.keys(NAMES) as TinyName[];
const without = (...names: TinyName[]): TinyName[] => TINY.filter((name) => !names.includes(name));
/** Gemma 3 states two rotations, and Phi-3 takes only what stretches its own. */
const ROPE_AS_ALL = without('gemma3', 'phi3');
/** By either name. */
const KNOWN: ReadonlySet<string> = new Set(Object.values(NAMES).flat());

/** Cases of the vectors that leave a key out, and the others. */
export const DROP_CASES = 91;
export const SET_CASES = 99;
/** Configs of checkpoints. */
export const PUBLISHED_CASES = 8;

/** Its name in a GGUF file, and another of the same length that no file may have. */
export function renamed(model: TinyName, name: string): { own: string; unknown: string } {
  const [own] = NAMES[model];
  const cut = name.padEnd(own.length, '_').slice(0, own.length);
  // Cut to length, an unknown name may become a known one.
  return { own, unknown: KNOWN.has(cut) ? `${cut.slice(0, -1)}?` : cut };
}

/** What a stated number must become. */
interface Stated {
  models: readonly TinyName[];
  change(value: number): ConfigChange;
  expected(value: number): unknown;
  read(config: ModelConfig): unknown;
  values: fc.Arbitrary<number>;
}

const counts = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
const numbers = fc.integer({ min: 1, max: 4_000_000 }).map((n) => n / 64);
const rope = (of: Record<string, unknown>): ConfigChange => ({
  rope_parameters: { rope_type: 'default', rope_theta: 1e4, ...of },
});

export const STATED: readonly Stated[] = [
  {
    models: TINY,
    values: counts(9_999),
    change: (n) => ({ rms_norm_eps: n * 1e-9 }),
    expected: (n) => n * 1e-9,
    read: (c) => c.rmsNormEps,
  },
  {
    models: without('gemma3'),
    values: numbers,
    change: (n) => rope({ rope_theta: n }),
    expected: (n) => n,
    read: (c) => c.rope.theta,
  },
  {
    models: TINY,
    values: numbers,
    change: (n) => ({ rope_parameters: null, rope_theta: n }),
    expected: (n) => n,
    read: (c) => c.rope.theta,
  },
  {
    models: ROPE_AS_ALL,
    values: numbers.filter((n) => n !== 1),
    change: (n) => rope({ rope_type: 'linear', factor: n }),
    expected: (factor) => ({ type: 'linear', factor }),
    read: (c) => c.rope.scaling,
  },
  {
    models: ROPE_AS_ALL,
    values: numbers,
    change: (n) => rope({ rope_type: 'yarn', factor: 8, original_max_position_embeddings: 16, attention_factor: n }),
    expected: (n) => n,
    read: (c) => ('attentionFactor' in c.rope.scaling ? c.rope.scaling.attentionFactor : null),
  },
  {
    models: ROPE_AS_ALL,
    values: numbers,
    change: (n) =>
      rope({ rope_type: 'yarn', factor: 8, original_max_position_embeddings: 16, beta_fast: n, beta_slow: 1 / n }),
    expected: (n) => [n, 1 / n],
    read: ({ rope: { scaling } }) => (scaling.type === 'yarn' ? [scaling.betaFast, scaling.betaSlow] : null),
  },
  {
    models: ['llama', 'qwen3'],
    values: numbers,
    change: (n) =>
      rope({
        rope_type: 'longrope',
        original_max_position_embeddings: 16,
        short_factor: [1, 1, 1, 1, 1, 1, 1, n],
        long_factor: [n, 1, 1, 1, 1, 1, 1, 1],
      }),
    expected: (n) => [n, n],
    read: ({ rope: { scaling } }) => (scaling.type === 'longrope' ? [scaling.short[7], scaling.long[0]] : null),
  },
  {
    models: ROPE_AS_ALL,
    values: counts(64),
    change: (n) => rope({ rope_type: 'dynamic', factor: n }),
    expected: (n) => ({ length: 64 * n, scaling: { type: 'dynamic', factor: n, originalContextLength: 64 } }),
    read: ({ contextLength, rope: { scaling } }) => ({ length: contextLength, scaling }),
  },
  {
    models: TINY,
    values: counts(2 ** 20),
    change: (n) => ({ max_position_embeddings: n }),
    expected: (n) => n,
    read: (c) => c.contextLength,
  },
  {
    models: ['mistral', 'gemma2', 'gemma3', 'phi3'],
    values: counts(9_999),
    change: (n) => ({ sliding_window: n }),
    expected: (n) => n,
    read: (c) => c.slidingWindow,
  },
  {
    models: ['qwen2', 'qwen3'],
    values: fc.integer({ min: 0, max: 2 }),
    change: (n) => ({ use_sliding_window: true, sliding_window: 5, max_window_layers: n, layer_types: null }),
    expected: (n) => Array.from({ length: n }, (_, layer) => layer),
    read: (c) => (c.slidingWindow === 5 ? c.fullAttentionLayers : null),
  },
  {
    models: ['gemma3'],
    values: numbers,
    change: (n) => ({
      rope_parameters: { full_attention: { rope_theta: 2 * n }, sliding_attention: { rope_theta: n } },
    }),
    expected: (n) => [2 * n, n],
    read: (c) => [c.rope.theta, c.localTheta],
  },
  {
    models: ['gemma3'],
    values: numbers,
    change: (n) => ({ rope_parameters: null, rope_local_base_freq: n }),
    expected: (n) => n,
    read: (c) => c.localTheta,
  },
  {
    models: ['gemma3'],
    values: counts(9),
    change: (n) => ({ layer_types: null, sliding_window_pattern: n }),
    expected: (n) => [0, 1, 2, 3, 4, 5].filter((layer) => (layer + 1) % n === 0),
    read: (c) => c.fullAttentionLayers,
  },
  {
    models: ['phi3'],
    values: counts(6),
    change: (n) => ({ rope_parameters: null, partial_rotary_factor: n / 6 }),
    expected: (n) => Math.floor((12 * n) / 6),
    read: (c) => c.rope.rotaryDim,
  },
  {
    models: ['gemma2', 'gemma3'],
    values: numbers,
    change: (n) => ({ query_pre_attn_scalar: n }),
    expected: (n) => 1 / Math.sqrt(n),
    read: (c) => c.attentionScale,
  },
  {
    models: ['gemma2'],
    values: numbers,
    change: (n) => ({ attn_logit_softcapping: n }),
    expected: (n) => n,
    read: (c) => c.attentionSoftcap,
  },
  {
    models: ['gemma2', 'gemma3'],
    values: numbers,
    change: (n) => ({ final_logit_softcapping: n }),
    expected: (n) => n,
    read: (c) => c.logitSoftcap,
  },
  {
    models: ['qwen3moe'],
    values: counts(6),
    change: (n) => ({ num_experts_per_tok: n }),
    expected: (n) => n,
    read: (c) => c.experts?.usedCount,
  },
  {
    models: ['qwen3moe'],
    values: fc.constantFrom(0, 1),
    change: (n) => ({ norm_topk_prob: n === 1 }),
    expected: (n) => n === 1,
    read: (c) => c.experts?.isRenormalised,
  },
];

export const stated: fc.Arbitrary<{ index: number; model: TinyName; value: number }> = fc
  .nat(STATED.length - 1)
  .chain((index) => {
    const { models, values } = STATED[index] ?? { models: TINY, values: counts(1) };
    return fc.record({ index: fc.constant(index), model: fc.constantFrom(...models), value: values });
  });

/** Keys that may be left out, and the default that is then Transformers'. */
export const LEFT_OUT: readonly {
  key: string;
  models: readonly TinyName[];
  expected: unknown;
  read(config: ModelConfig): unknown;
}[] = [
  { key: 'rms_norm_eps', models: without('phi3'), expected: 1e-6, read: (c) => c.rmsNormEps },
  { key: 'rms_norm_eps', models: ['phi3'], expected: 1e-5, read: (c) => c.rmsNormEps },
  { key: 'rope_parameters', models: without('gemma3'), expected: 10_000, read: (c) => c.rope.theta },
  { key: 'max_position_embeddings', models: ['gemma3', 'mistral'], expected: 131_072, read: (c) => c.contextLength },
  { key: 'max_position_embeddings', models: ['llama-linear'], expected: 2_048, read: (c) => c.contextLength },
  { key: 'max_position_embeddings', models: ['qwen2', 'qwen3'], expected: 32_768, read: (c) => c.contextLength },
  {
    key: 'tie_word_embeddings',
    models: without('gemma2', 'gemma3', 'llama-linear'),
    expected: false,
    read: (c) => c.isTied,
  },
  { key: 'tie_word_embeddings', models: ['gemma2', 'gemma3'], expected: true, read: (c) => c.isTied },
  { key: 'sliding_window', models: ['mistral', 'gemma2', 'gemma3'], expected: 4_096, read: (c) => c.slidingWindow },
  { key: 'norm_topk_prob', models: ['qwen3moe'], expected: false, read: (c) => c.experts?.isRenormalised },
  { key: 'query_pre_attn_scalar', models: ['gemma2', 'gemma3'], expected: 1 / 16, read: (c) => c.attentionScale },
  { key: 'attn_logit_softcapping', models: ['gemma2'], expected: 50, read: (c) => c.attentionSoftcap },
  { key: 'final_logit_softcapping', models: ['gemma2'], expected: 30, read: (c) => c.logitSoftcap },
];

export const leftOut: fc.Arbitrary<{ index: number; model: TinyName }> = fc
  .nat(LEFT_OUT.length - 1)
  .chain((index) =>
    fc.record({ index: fc.constant(index), model: fc.constantFrom(...(LEFT_OUT[index]?.models ?? TINY)) }),
  );

/** The engine's config in the words of the vectors. */
export function resolved({ rope: { theta, scaling, rotaryDim }, ...config }: ModelConfig): Record<string, unknown> {
  const { slidingWindow, fullAttentionLayers } = config;
  return {
    rmsNormEps: config.rmsNormEps,
    ropeTheta: theta,
    ropeType: scaling.type === 'none' ? 'default' : scaling.type,
    ropeFactor: 'factor' in scaling ? scaling.factor : null,
    ropeOriginal: 'originalContextLength' in scaling ? scaling.originalContextLength : null,
    attentionFactor: 'attentionFactor' in scaling ? Math.round(scaling.attentionFactor * 1e12) / 1e12 : 1,
    rotaryDim,
    localTheta: config.localTheta,
    isTied: config.isTied,
    windows: Array.from({ length: config.layerCount }, (_, layer) =>
      fullAttentionLayers.includes(layer) ? null : slidingWindow,
    ),
    queryScalar: Math.round(config.attentionScale ** -2 * 1e9) / 1e9,
    attentionSoftcap: config.attentionSoftcap,
    logitSoftcap: config.logitSoftcap,
    usedExperts: config.experts?.usedCount ?? null,
    isRenormalised: config.experts?.isRenormalised ?? null,
  };
}

/** Names near those that are known, and any other. */
export const unknownNames: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    'llama4',
    'qwen',
    'qwen2_moe',
    'qwen3_next',
    'gemma',
    'gemma3n_text',
    'mixtral',
    'phi',
    'phi3small',
    'LLAMA',
    ' llama',
    'constructor',
    '__proto__',
    '',
  ),
  fc.string({ maxLength: 12 }).filter((name) => !KNOWN.has(name)),
);
