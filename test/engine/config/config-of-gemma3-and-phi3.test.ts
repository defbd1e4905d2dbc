// What Gemma 3 and Phi-3 state in config.json otherwise than others do, and what is refused of it. Values against
// Transformers' own config classes are FALSIFY-ARCHCONF-001 and -002; keys of GGUF against llama.cpp are in
// test/oracles/external.
import { describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../../src/engine/architectures/registry.ts';
import { configFromGguf } from '../../../src/engine/config/config-from-gguf.ts';
import { configFromHf } from '../../../src/engine/config/config-from-hf.ts';
import { refusal } from '../../fixtures/refusal.ts';

const SIZES = { num_hidden_layers: 6, hidden_size: 48, intermediate_size: 64, num_attention_heads: 4, vocab_size: 80 };
const GEMMA = {
  model_type: 'gemma3_text',
  ...SIZES,
  head_dim: 16,
  num_key_value_heads: 2,
  max_position_embeddings: 64,
  query_pre_attn_scalar: 16,
  sliding_window: 4,
};
const PHI = { model_type: 'phi3', ...SIZES, num_key_value_heads: 2, max_position_embeddings: 64, rms_norm_eps: 1e-5 };
const FUSED = [{ name: 'blk.0.attn_qkv.weight', shape: [96, 48] }];

/** Keys with a dot are nested ones; undefined drops a key. */
function read(keys: Record<string, unknown>, tensors: typeof FUSED = FUSED) {
  const metadata = new Map(Object.entries(keys).filter(([, value]) => value !== undefined));
  return configFromHf({ path: 'config.json', metadata, tensors }, ARCHITECTURES);
}
const gemma = (keys: Record<string, unknown> = {}) => read({ ...GEMMA, ...keys });
const phi = (keys: Record<string, unknown> = {}) => read({ ...PHI, ...keys });

/** A model that sees images: what is stated of text stands in text_config. */
function withImages(text: Record<string, unknown> = {}, whole: Record<string, unknown> = {}) {
  const { model_type: _, ...own } = { ...GEMMA, ...text };
  const nested = Object.fromEntries(Object.entries(own).map(([key, value]) => [`text_config.${key}`, value]));
  const architectures = ['Gemma3ForConditionalGeneration'];
  return read({ model_type: 'gemma3', architectures, 'vision_config.hidden_size': 8, ...nested, ...whole });
}

describe('Gemma 3', () => {
  it('has windows in five layers of six, and a theta of their own for them', () => {
    const { config } = gemma({ rope_theta: 5e5, rope_local_base_freq: 2e4 });
    expect(config).toMatchObject({ slidingWindow: 4, fullAttentionLayers: [5], localTheta: 2e4, isTied: true });
    expect(config.rope).toMatchObject({ theta: 5e5, rotaryDim: 16, scaling: { type: 'none' } });
    expect(config).toMatchObject({ hasQkNorm: true, normOffset: 1, attentionSoftcap: null, logitSoftcap: null });
  });

  it('scales the other layers only', () => {
    const scaled = { type: 'linear', factor: 8 };
    const old = gemma({ 'rope_scaling.rope_type': 'linear', 'rope_scaling.factor': 8 }).config;
    expect([old.rope.scaling, old.localTheta]).toEqual([scaled, 10_000]);
    const own = 'rope_parameters.full_attention.';
    const nested = gemma({ [`${own}rope_type`]: 'linear', [`${own}factor`]: 8, [`${own}rope_theta`]: 7 }).config;
    expect(nested.rope).toMatchObject({ theta: 7, scaling: scaled });
  });

  it('is read out of a model that sees images, where defaults are of the class', () => {
    const dropped = { num_attention_heads: undefined, max_position_embeddings: undefined, vocab_size: undefined };
    const { config, notices } = withImages({ ...dropped, head_dim: 16 });
    expect(config).toMatchObject({ headCount: 8, contextLength: 131_072, vocabSize: 262_208, modelDim: 48 });
    expect(config.provenance.modelDim.detail).toBe('text_config.hidden_size');
    const defaults = notices.filter(({ code }) => code === 'COUNT-DEFAULT');
    expect(defaults.map(({ message }) => message.split(' ')[0])).toEqual([
      'text_config.num_attention_heads',
      'text_config.max_position_embeddings',
      'text_config.vocab_size',
    ]);
  });

  it('is tied as the whole model says, or its class, whatever its text part says', () => {
    const tied = (text: object, whole: object) => withImages({ ...text }, { ...whole }).config.isTied;
    expect(tied({ tie_word_embeddings: true }, { tie_word_embeddings: false })).toBe(false);
    expect(tied({ tie_word_embeddings: false }, {})).toBe(true);
    expect(tied({}, {})).toBe(true);
  });

  it.each<[string, string, () => unknown]>([
    ['attention in both directions', 'E_CONFIG_UNSUPPORTED', () => gemma({ use_bidirectional_attention: true })],
    ['a cap of scores', 'E_CONFIG_UNSUPPORTED', () => gemma({ attn_logit_softcapping: 50 })],
    ['another activation', 'E_CONFIG_UNSUPPORTED', () => gemma({ hidden_activation: 'gelu' })],
    ['a window of null', 'E_CONFIG_VALUE', () => gemma({ sliding_window: null })],
    ['scaled layers with a window', 'E_CONFIG_VALUE', () => gemma({ [`${LOCAL}.rope_type`]: 'linear' })],
    [
      'one rotation for all, which would be passed over',
      'E_CONFIG_VALUE',
      () => gemma({ 'rope_parameters.rope_theta': 7 }),
    ],
    ['a theta of 0', 'E_CONFIG_VALUE', () => gemma({ rope_local_base_freq: 0 })],
    ['a pattern of 0', 'E_CONFIG_VALUE', () => gemma({ sliding_window_pattern: 0 })],
    ['the class of images under the name of text', 'E_CONFIG_ARCHITECTURE', () => gemma({ architectures: [IMAGES] })],
    ['a text part of another kind', 'E_CONFIG_MISSING_KEY', () => withImages({ hidden_size: undefined })],
  ])('is refused with %s', async (_, code, of) => {
    await refusal(code, of);
  });

  it('may have no window at all', () => {
    const layers = Array.from({ length: 6 }, () => 'full_attention');
    expect(gemma({ sliding_window: null, layer_types: layers }).config.slidingWindow).toBeNull();
  });
});

const LOCAL = 'rope_parameters.sliding_attention';
const IMAGES = 'Gemma3ForConditionalGeneration';

describe('Phi-3', () => {
  const LISTS = { 'rope_scaling.short_factor': [1, 1, 1], 'rope_scaling.long_factor': [2, 2, 2] };

  it('has heads as wide as hidden_size makes them, which fused rows do not say', () => {
    const { config, notices } = phi({ num_key_value_heads: null, rope_theta: 1e4, tie_word_embeddings: false });
    expect(config).toMatchObject({ headDim: 12, kvHeadCount: 4, slidingWindow: null });
    expect(notices.map(({ code }) => code)).toEqual(['KV-HEADS-DEFAULT']);
  });

  it('rotates a part of the head, stretched by lists under any of their names', () => {
    for (const type of ['longrope', 'su', 'yarn']) {
      const { config } = phi({
        ...LISTS,
        'rope_scaling.type': type,
        original_max_position_embeddings: 8,
        partial_rotary_factor: 0.5,
      });
      expect(config.rope.rotaryDim).toBe(6);
      expect(config.rope.scaling).toMatchObject({ type: 'longrope', short: [1, 1, 1], originalContextLength: 8 });
    }
  });

  it('takes the original context of the class where none stands at the top, whatever the group says', () => {
    const group = { 'rope_scaling.type': 'longrope', 'rope_scaling.original_max_position_embeddings': 8 };
    const { config, notices } = phi({ ...LISTS, ...group, partial_rotary_factor: 0.5 });
    expect(config.rope.scaling).toMatchObject({ originalContextLength: 4_096 });
    expect(notices.map(({ code }) => code)).toContain('ROPE-CONTEXT-DEFAULT');
  });

  it.each<[string, string, Record<string, unknown>]>([
    ['an odd part of the head', 'E_CONFIG_ROPE', { partial_rotary_factor: 0.25 }],
    ['none of the head', 'E_CONFIG_ROPE', { partial_rotary_factor: 0.05 }],
    ['more than the head', 'E_CONFIG_ROPE', { partial_rotary_factor: 1.5 }],
    ['lists for the whole head', 'E_CONFIG_VALUE', { ...LISTS, 'rope_scaling.type': 'su' }],
    ['biases of the head', 'E_CONFIG_UNSUPPORTED', { lm_head_bias: true }],
    ['heads that do not divide its width', 'E_CONFIG_MISSING_KEY', { num_attention_heads: 5 }],
  ])('is refused with %s', async (_, code, keys) => {
    await refusal(code, () => phi(keys));
  });

  it('is the only one that may rotate a part', async () => {
    await refusal('E_CONFIG_UNSUPPORTED', () => gemma({ partial_rotary_factor: 0.5 }));
  });
});

describe('a pattern of windows in GGUF is refused', () => {
  const gguf = (pattern: unknown) =>
    configFromGguf(
      {
        path: 'm.gguf',
        metadata: new Map<string, unknown>([
          ['general.architecture', 'gemma3'],
          ...Object.entries({
            block_count: 3,
            embedding_length: 8,
            feed_forward_length: 8,
            context_length: 8,
            'attention.head_count': 1,
            'attention.layer_norm_rms_epsilon': 1e-5,
            'attention.sliding_window': 4,
            'attention.sliding_window_pattern': pattern,
          }).map(([key, value]) => [`gemma3.${key}`, value] as const),
        ]),
        tensors: [{ name: 'token_embd.weight', elementCount: 64 }],
      },
      ARCHITECTURES,
    ).config.fullAttentionLayers;

  it.each([[[true, false]], [[true, false, 2]], [[]], [[0, 1]], [[0, -1, 1]], [1.5], [-1], ['5:1'], [true]])(
    '%j',
    async (pattern) => {
      await refusal('E_CONFIG_VALUE', () => gguf(pattern));
    },
  );

  it('where it is none that is read', () => {
    expect([gguf(2), gguf([true, false, true]), gguf(undefined)]).toEqual([[1], [1], []]);
    // llama.cpp: any number but 0 is true in a list, and a period of 0 has no layer without a window.
    expect([gguf([3, 0, 1]), gguf(0), gguf(1)]).toEqual([[1], [], [0, 1, 2]]);
  });
});
