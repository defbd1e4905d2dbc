import { describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../../src/engine/architectures/registry.ts';
import { configFromHf } from '../../../src/engine/config/config-from-hf.ts';
import { configFromGguf } from '../../../src/engine/config/config-from-gguf.ts';
import { refusal } from '../../fixtures/refusal.ts';

const PLAIN = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  num_hidden_layers: 3,
  hidden_size: 32,
  intermediate_size: 80,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 12,
  vocab_size: 64,
  max_position_embeddings: 128,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: false,
  rope_theta: 50_000,
};

const TENSORS = [
  { name: 'blk.0.attn_q.weight', shape: [48, 32] },
  { name: 'blk.0.attn_k.weight', shape: [24, 32] },
];

/** undefined drops a key; keys with a dot are nested ones. */
function configOf(keys: Record<string, unknown> = {}, tensors: typeof TENSORS = TENSORS) {
  const metadata = new Map<string, unknown>(
    Object.entries({ ...PLAIN, ...keys }).filter(([, value]) => value !== undefined),
  );
  return configFromHf({ path: 'config.json', metadata, tensors }, ARCHITECTURES);
}

const codes = ({ notices }: ReturnType<typeof configOf>): string[] => notices.map(({ code }) => code);

const MOE = {
  model_type: 'qwen3_moe',
  architectures: ['Qwen3MoeForCausalLM'],
  num_experts: 8,
  num_experts_per_tok: 2,
  moe_intermediate_size: 24,
  norm_topk_prob: true,
};
const GEMMA = { model_type: 'gemma2', architectures: ['Gemma2ForCausalLM'] };
const STATED = {
  query_pre_attn_scalar: 24,
  attn_logit_softcapping: 50,
  final_logit_softcapping: 30,
  sliding_window: 8,
};

const YARN = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 16 };
const LONGROPE = {
  rope_type: 'longrope',
  original_max_position_embeddings: 16,
  short_factor: [1, 1, 1, 1, 1.5, 2],
  long_factor: [1, 1, 2, 4, 8, 16],
};
const ropeKeys = (of: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(of).map(([key, value]) => [`rope_parameters.${key}`, value]));

describe('configFromHf', () => {
  it('reads a config and says where each number came from', () => {
    const { config, notices } = configOf();
    expect(notices).toEqual([]);
    expect(config).toMatchObject({
      architecture: 'llama',
      headDim: 12,
      kvHeadCount: 2,
      rope: { theta: 50_000, rotaryDim: 12, pairing: 'neox', scaling: { type: 'none' } },
      slidingWindow: null,
      hasQkvBias: false,
      isTied: false,
      experts: null,
    });
    const fromGguf = configFromGguf(
      {
        path: 'm.gguf',
        metadata: new Map<string, unknown>([
          ['general.architecture', 'llama'],
          ...Object.entries({
            block_count: 1,
            embedding_length: 8,
            feed_forward_length: 8,
            context_length: 8,
            'attention.head_count': 1,
            'attention.layer_norm_rms_epsilon': 1e-5,
          }).map(([key, value]) => [`llama.${key}`, value] as const),
        ]),
        tensors: [{ name: 'token_embd.weight', elementCount: 64 }],
      },
      ARCHITECTURES,
    );
    expect(Object.keys(config.provenance).toSorted()).toEqual(Object.keys(fromGguf.config.provenance).toSorted());
    for (const { detail } of Object.values(config.provenance)) expect(detail).not.toBe('');
  });

  it.each<[string, Record<string, unknown>, object, string]>([
    ['rms_norm_eps', {}, { rmsNormEps: 1e-6 }, 'RMS-EPS-DEFAULT'],
    ['rope_theta', {}, { rope: { theta: 10_000 } }, 'ROPE-THETA-DEFAULT'],
    ['tie_word_embeddings', {}, { isTied: false }, 'TIED-DEFAULT'],
    ['tie_word_embeddings', { ...GEMMA, ...STATED }, { isTied: true }, 'TIED-DEFAULT'],
    ['sliding_window', { model_type: 'mistral' }, { slidingWindow: 4_096 }, 'SLIDING-WINDOW-DEFAULT'],
    ['norm_topk_prob', MOE, { experts: { isRenormalised: false } }, 'EXPERT-NORM-DEFAULT'],
    ['query_pre_attn_scalar', { ...GEMMA, ...STATED }, { attentionScale: 1 / 16 }, 'ATTENTION-SCALE-DEFAULT'],
    ['attn_logit_softcapping', { ...GEMMA, ...STATED }, { attentionSoftcap: 50 }, 'SOFTCAP-DEFAULT'],
    ['final_logit_softcapping', { ...GEMMA, ...STATED }, { logitSoftcap: 30 }, 'SOFTCAP-DEFAULT'],
  ])('prints the default that it takes for %s', (key, keys, wanted, code) => {
    const read = configOf({ ...keys, [key]: undefined });
    expect(read.config).toMatchObject(wanted);
    expect(codes(read).filter((one) => one !== 'EXPERT-NORM')).toEqual([code]);
    expect(Object.values(read.config.provenance).filter(({ source }) => source === 'default')).toHaveLength(1);
  });

  it('reads the width of a head and the kv heads off the tensors where the config leaves them out', () => {
    const { config, notices } = configOf({ head_dim: undefined, num_key_value_heads: undefined });
    expect(config).toMatchObject({ headDim: 12, kvHeadCount: 2 });
    expect(config.provenance.headDim.source).toBe('tensor');
    expect(notices).toEqual([]);
  });

  it('reads rope scaling from rope_parameters and from rope_scaling', () => {
    const llama3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 };
    const wanted = { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContextLength: 64 };
    for (const [group, name] of [
      ['rope_parameters', 'rope_type'],
      ['rope_scaling', 'rope_type'],
      ['rope_scaling', 'type'],
    ] as const) {
      const keys = Object.fromEntries(
        Object.entries({ ...llama3, [name]: 'llama3' }).map(([key, value]) => [`${group}.${key}`, value]),
      );
      expect(configOf(keys).config.rope.scaling).toEqual(wanted);
    }
    expect(
      configOf({ 'rope_parameters.rope_type': 'linear', 'rope_parameters.factor': 4 }).config.rope.scaling,
    ).toEqual({ type: 'linear', factor: 4 });
    expect(configOf({ 'rope_parameters.rope_theta': 7 }).config.rope.theta).toBe(7);
  });

  const scalingOf = (of: Record<string, unknown>, keys: Record<string, unknown> = {}) =>
    configOf({ ...ropeKeys(of), ...keys }).config.rope.scaling;

  it('reads yarn, with the defaults of Transformers', () => {
    expect(scalingOf(YARN)).toEqual({
      type: 'yarn',
      factor: 4,
      betaFast: 32,
      betaSlow: 1,
      isTruncated: true,
      originalContextLength: 16,
      attentionFactor: 0.1 * Math.log(4) + 1,
    });
    const stated = { beta_fast: 8, beta_slow: 2, truncate: false, attention_factor: 1.5 };
    const wanted = { betaFast: 8, betaSlow: 2, isTruncated: false, attentionFactor: 1.5 };
    expect(scalingOf({ ...YARN, ...stated, mscale: 2, mscale_all_dim: 1 })).toMatchObject(wanted);
    // 0 counts as absent, null as false, as in Python.
    expect(scalingOf({ ...YARN, beta_fast: 0, beta_slow: 0, truncate: null })).toMatchObject({
      betaFast: 32,
      betaSlow: 1,
      isTruncated: false,
    });
  });

  it.each<[string, Record<string, unknown>, number]>([
    [
      'both numbers of DeepSeek',
      { mscale: 0.7, mscale_all_dim: 1.4 },
      (1 + 0.07 * Math.log(4)) / (1 + 0.14 * Math.log(4)),
    ],
    ['one of them only', { mscale: 0.7 }, 1 + 0.1 * Math.log(4)],
    ['one of them 0', { mscale: 0.7, mscale_all_dim: 0 }, 1 + 0.1 * Math.log(4)],
    ['a factor that shrinks', { factor: 0.5 }, 1],
    ['the ratio of the contexts for a factor of null', { factor: null }, 1 + 0.1 * Math.log(128 / 16)],
  ])("infers yarn's attention factor: %s", (_, of, attentionFactor) => {
    expect(scalingOf({ ...YARN, ...of })).toMatchObject({ attentionFactor: expect.closeTo(attentionFactor, 15) });
  });

  it('reads longrope, its attention factor from its factor or from the contexts', () => {
    const { short_factor: short, long_factor: long } = LONGROPE;
    const of = { type: 'longrope', short, long, originalContextLength: 16 };
    const inferred = (factor: number): number => Math.sqrt(1 + Math.log(factor) / Math.log(16));
    expect(scalingOf(LONGROPE)).toEqual({ ...of, attentionFactor: inferred(128 / 16) });
    expect(scalingOf({ ...LONGROPE, factor: 3 })).toEqual({ ...of, attentionFactor: inferred(3) });
    expect(scalingOf({ ...LONGROPE, factor: 0.5 })).toEqual({ ...of, attentionFactor: 1 });
    expect(scalingOf({ ...LONGROPE, attention_factor: 1.25 })).toEqual({ ...of, attentionFactor: 1.25 });
    // Beside the other keys it goes first.
    const outer = { original_max_position_embeddings: 32 };
    expect(scalingOf(LONGROPE, outer)).toMatchObject({ originalContextLength: 32 });
  });

  it('takes max_position_embeddings for an original context that is not stated, and says so', () => {
    const read = configOf(ropeKeys({ ...YARN, original_max_position_embeddings: undefined }));
    expect(read.config.rope.scaling).toMatchObject({ originalContextLength: 128 });
    expect(codes(read)).toEqual(['ROPE-CONTEXT-DEFAULT']);
    expect(read.config.provenance['rope.scaling'].source).toBe('default');
  });

  it('says of scalings that go by length which length that is', () => {
    const dynamic = configOf(ropeKeys({ rope_type: 'dynamic', factor: 2 }));
    expect(dynamic.config.rope.scaling).toEqual({ type: 'dynamic', factor: 2, originalContextLength: 128 });
    expect(codes(dynamic)).toEqual(['ROPE-BY-LENGTH']);
    const { detail } = configOf(ropeKeys(LONGROPE)).config.provenance['rope.scaling'];
    expect(detail).toBe(
      'rope_parameters.rope_type; long factors in sessions of more than 16 positions, short ones otherwise',
    );
  });

  it('takes as many positions as yarn and dynamic scaling reach', () => {
    const lengthOf = (of: Record<string, unknown>) => configOf(ropeKeys(of)).config.contextLength;
    expect(lengthOf({ rope_type: 'dynamic', factor: 2.5 })).toBe(320);
    expect(lengthOf({ ...YARN, factor: 9 })).toBe(144);
    expect([lengthOf(YARN), lengthOf(LONGROPE), lengthOf({ rope_type: 'linear', factor: 4 })]).toEqual([128, 128, 128]);
    const { source, detail } = configOf(ropeKeys({ ...YARN, factor: 9 })).config.provenance.contextLength;
    expect([source, detail]).toEqual(['metadata', 'rope scaling: factor · original context length']);
  });

  it.each<[string, Record<string, unknown>, number | null, number[]]>([
    ['llama has none', { sliding_window: 128 }, null, []],
    ['mistral has one in every layer', { model_type: 'mistral', sliding_window: 8 }, 8, []],
    ['mistral may say null', { model_type: 'mistral', sliding_window: null }, null, []],
    ['qwen2 must switch it on', { model_type: 'qwen2', sliding_window: 8, use_sliding_window: false }, null, []],
    [
      'qwen2 has it behind max_window_layers',
      { model_type: 'qwen2', sliding_window: 8, use_sliding_window: true, max_window_layers: 2 },
      8,
      [0, 1],
    ],
    [
      'layer_types say it',
      {
        model_type: 'qwen3',
        sliding_window: 8,
        use_sliding_window: true,
        layer_types: ['sliding_attention', 'full_attention', 'sliding_attention'],
      },
      8,
      [1],
    ],
    ['gemma2 has it in every other layer', { ...GEMMA, ...STATED }, 8, [1]],
  ])('window: %s', (_, keys, slidingWindow, fullAttentionLayers) => {
    expect(configOf(keys).config).toMatchObject({ slidingWindow, fullAttentionLayers });
  });

  it('reads what Gemma 2 and experts add', () => {
    const gemma = configOf({ ...GEMMA, ...STATED, final_logit_softcapping: null }).config;
    expect(gemma).toMatchObject({ normOffset: 1, attentionSoftcap: 50, logitSoftcap: null });
    expect(gemma.embeddingScale).toBe(Math.sqrt(32));
    expect(gemma.attentionScale).toBe(1 / Math.sqrt(24));
    expect(configOf(MOE).config.experts).toEqual({ count: 8, usedCount: 2, ffnDim: 24, isRenormalised: true });
    expect(configOf(MOE).config.hasQkNorm).toBe(true);
  });
});

describe('configFromHf refuses', () => {
  it.each<[string, string, Record<string, unknown>]>([
    ['a model type that is not known', 'E_CONFIG_ARCHITECTURE', { model_type: 'gpt2' }],
    ['a model type from the prototype', 'E_CONFIG_ARCHITECTURE', { model_type: 'constructor' }],
    ['no model type', 'E_CONFIG_ARCHITECTURE', { model_type: undefined }],
    ['a class that is no language model', 'E_CONFIG_ARCHITECTURE', { architectures: ['LlamaForTokenClassification'] }],
    ['another activation', 'E_CONFIG_UNSUPPORTED', { hidden_act: 'relu' }],
    ['a scaling of another kind', 'E_CONFIG_UNSUPPORTED', { 'rope_scaling.rope_type': 'proportional' }],
    ['the older name of longrope', 'E_CONFIG_UNSUPPORTED', { 'rope_scaling.type': 'su' }],
    ['yarn without a factor', 'E_CONFIG_MISSING_KEY', { 'rope_scaling.rope_type': 'yarn' }],
    ['yarn with an attention factor of 0', 'E_CONFIG_VALUE', ropeKeys({ ...YARN, attention_factor: 0 })],
    ['yarn with a truncate that is no truth value', 'E_CONFIG_VALUE', ropeKeys({ ...YARN, truncate: 1 })],
    ['dynamic without a factor', 'E_CONFIG_MISSING_KEY', ropeKeys({ rope_type: 'dynamic' })],
    ['dynamic over one pair', 'E_CONFIG_VALUE', { ...ropeKeys({ rope_type: 'dynamic', factor: 2 }), head_dim: 2 }],
    ['longrope without long factors', 'E_CONFIG_MISSING_KEY', ropeKeys({ ...LONGROPE, long_factor: undefined })],
    ['longrope with a factor too few', 'E_CONFIG_VALUE', ropeKeys({ ...LONGROPE, short_factor: [1, 1, 1, 1, 1] })],
    ['longrope with a factor of 0', 'E_CONFIG_VALUE', ropeKeys({ ...LONGROPE, short_factor: [1, 1, 1, 1, 1, 0] })],
    ['biases of the feed-forward', 'E_CONFIG_UNSUPPORTED', { mlp_bias: true }],
    ['biases that no tensor holds', 'E_CONFIG_UNSUPPORTED', { attention_bias: true }],
    ['layers without experts', 'E_CONFIG_UNSUPPORTED', { ...MOE, mlp_only_layers: [0] }],
    ['a feed-forward of experts in every second layer', 'E_CONFIG_UNSUPPORTED', { ...MOE, decoder_sparse_step: 2 }],
    [
      'layers of another kind',
      'E_CONFIG_UNSUPPORTED',
      { ...GEMMA, ...STATED, layer_types: ['linear_attention', 'full_attention', 'full_attention'] },
    ],
    ['quantised weights', 'E_CONFIG_UNSUPPORTED', { 'quantization_config.quant_method': 'gptq' }],
    ['heads that do not divide', 'E_CONFIG_HEADS', { num_key_value_heads: 3 }],
    ['more experts used than there are', 'E_CONFIG_VALUE', { ...MOE, num_experts_per_tok: 9 }],
    ['a size that is no count', 'E_CONFIG_VALUE', { hidden_size: 2.5 }],
    ['an eps of NaN', 'E_CONFIG_VALUE', { rms_norm_eps: Number.NaN }],
    ['a tie that is no truth value', 'E_CONFIG_VALUE', { tie_word_embeddings: 'no' }],
    ['no width', 'E_CONFIG_MISSING_KEY', { hidden_size: undefined }],
    [
      'llama3 scaling without its numbers',
      'E_CONFIG_MISSING_KEY',
      { 'rope_parameters.rope_type': 'llama3', 'rope_parameters.factor': 8 },
    ],
  ])('%s', async (_, code, keys) => {
    await refusal(code, () => configOf(keys));
  });

  it.each([
    ['llama', 2048],
    ['mistral', 131_072],
    ['qwen2', 32_768],
    ['qwen3', 32_768],
    ['phi3', 4096],
  ])('no length that is left out, as the oldest files do: %s has %d positions', (type, positions) => {
    const read = configOf({ model_type: type, max_position_embeddings: undefined, max_sequence_length: 64 });
    expect(read.config.contextLength).toBe(positions);
    expect(codes(read)).toContain('COUNT-DEFAULT');
  });

  it('biases that the config does not ask for', async () => {
    await refusal('E_CONFIG_UNSUPPORTED', () => configOf({}, [...TENSORS, { name: 'blk.0.attn_q.bias', shape: [48] }]));
  });

  it('nothing for a key that it does not know, but says so', () => {
    expect(codes(configOf({ brand_new: 1 }))).toEqual(['CONFIG-UNREAD-KEY']);
    expect(codes(configOf({ brand_new: null }))).toEqual([]);
  });
});
