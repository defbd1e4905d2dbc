// Keys that config.json and GGUF files have beside what is read. What real ones have must be let be; FALSIFY-ARCHCONF-004
// searches the others.
import { describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../../src/engine/architectures/registry.ts';
import { configFromGguf } from '../../../src/engine/config/config-from-gguf.ts';
import { configFromHf } from '../../../src/engine/config/config-from-hf.ts';
import { refusal } from '../../fixtures/refusal.ts';

const SIZES = {
  num_hidden_layers: 4,
  hidden_size: 32,
  intermediate_size: 80,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 8,
  vocab_size: 64,
  max_position_embeddings: 128,
};
const GEMMA = { ...SIZES, model_type: 'gemma2', hidden_activation: 'gelu_pytorch_tanh', sliding_window: 16 };
const MOE = {
  ...SIZES,
  model_type: 'qwen3_moe',
  num_experts_per_tok: 2,
  moe_intermediate_size: 16,
  norm_topk_prob: true,
};

/** Keys with a dot are nested ones. */
function read(keys: Record<string, unknown>) {
  const all = {
    model_type: 'llama',
    ...SIZES,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: false,
    rope_theta: 1e4,
    ...keys,
  };
  return configFromHf({ path: 'config.json', metadata: new Map(Object.entries(all)), tensors: [] }, ARCHITECTURES);
}
const said = (keys: Record<string, unknown>): string[] =>
  read(keys)
    .notices.filter(({ code }) => !code.endsWith('-DEFAULT'))
    .map(({ code, message }) => `${code} ${message}`);

function readGguf(architecture: string, keys: Record<string, unknown>) {
  const all = {
    block_count: 3,
    embedding_length: 8,
    feed_forward_length: 8,
    context_length: 64,
    'attention.head_count': 1,
    'attention.layer_norm_rms_epsilon': 1e-5,
    'rope.freq_base': 1e4,
    ...keys,
  };
  const metadata = new Map<string, unknown>([
    ['general.architecture', architecture],
    ...Object.entries(all).map(([key, value]) => [`${architecture}.${key}`, value] as const),
  ]);
  const tensors = [{ name: 'token_embd.weight', elementCount: 64 }];
  return configFromGguf({ path: 'm.gguf', metadata, tensors }, ARCHITECTURES);
}

describe('a key of another family', () => {
  it.each<[string, unknown]>([
    ['rotary_pct', 0.25],
    ['qk_norm', true],
    ['scale_emb', 12],
    ['attention_multiplier', 0.5],
    ['logits_soft_cap', 30],
    ['no_rope_layers', [0, 1, 1, 1]],
    ['mlp_only_layers', [0]],
    ['norm_eps', 1e-3],
    ['activation', 'gelu'],
    ['is_causal', false],
    ['n_embd', 16],
    ['quantization.bits', 4],
    ['compression_config.format', 'pack-quantized'],
    ['rope_scaling.alpha', 1000],
    ['someAttnScale', 3],
    ['my_residual_gain_scale', 1.5],
  ])('is refused with its name: %s = %j', async (key, value) => {
    const { message } = await refusal('E_CONFIG_UNSUPPORTED', () => read({ [key]: value }));
    expect(message).toContain(`${key} is `);
  });

  it.each<[string, unknown]>([
    ['rotary_pct', 1],
    ['rotary_dim', 8],
    ['qk_norm', false],
    ['embedding_multiplier', 1],
    ['norm_eps', 1e-5],
    ['activation', 'swiglu'],
    ['hidden_activation', 'silu'],
    ['n_embd', 32],
    ['no_rope_layers', [1, 1, 1, 1]],
    ['num_experts', 0],
    ['attention_multiplier', 1 / Math.sqrt(8)],
    ['my_residual_scale', 0],
    ['use_alibi', false],
  ])('is let be where it says what is done anyway: %s = %j', (key, value) => {
    expect(said({ [key]: value })).toEqual([]);
  });

  it('names the method of quantised weights before their bits', async () => {
    const keys = { 'quantization_config.bits': 4, 'quantization_config.quant_method': 'awq' };
    const { message } = await refusal('E_CONFIG_UNSUPPORTED', () => read(keys));
    expect(message).toContain('quantization_config.quant_method is "awq"');
  });

  it('is noted where its name speaks of nothing that is computed', () => {
    expect(said({ brand_new: 1, 'producer.name': 'somebody' })).toEqual([
      'CONFIG-UNREAD-KEY Not known and not read: "brand_new", "producer.name".',
    ]);
  });

  it("says that code of the model's own is not run", () => {
    const keys = { 'auto_map.AutoConfig': 'a.B', 'auto_map.AutoModelForCausalLM': 'a.C' };
    expect(said(keys).map((line) => line.split(' ')[0])).toEqual(['CONFIG-OWN-CODE']);
  });
});

describe('config.json of published models', () => {
  it.each<[string, Record<string, unknown>]>([
    [
      'SmolLM2',
      { is_llama_config: true, rope_interleaved: false, 'transformers.js_config.kv_cache_dtype.fp16': 'float16' },
    ],
    ['Llama 2', { pretraining_tp: 2, max_length: 4096, temperature: 0.9, _name_or_path: 'x/y', rope_scaling: null }],
    ['Phi-4 mini', { full_attn_mod: 1, interpolate_factor: 1, lm_head_bias: false, mlp_bias: false }],
    [
      'Qwen2.5',
      { model_type: 'qwen2', head_dim: 8, sliding_window: 131_072, use_sliding_window: false, max_window_layers: 28 },
    ],
    ['R1 distilled', { use_mrope: false }],
    ['Falcon 3', { activation: 'swiglu', hidden_act: 'silu' }],
    [
      'Gemma 2',
      { ...GEMMA, hidden_act: 'gelu_pytorch_tanh', cache_implementation: 'hybrid', query_pre_attn_scalar: 8 },
    ],
    ['Qwen3-Coder', { ...MOE, num_experts: 8, qkv_bias: false, use_qk_norm: true, shared_expert_intermediate_size: 0 }],
    ['Yarn Llama', { 'rope_scaling.type': 'linear', 'rope_scaling.factor': 2, 'rope_scaling.finetuned': true }],
  ])('%s opens without a word', (_, keys) => {
    expect(said(keys)).toEqual([]);
  });
});

describe("keys of somebody's own", () => {
  it.each<[string, unknown]>([
    ['per_device_train_batch_size', 4],
    ['warmup_ratio', 0.03],
    ['adam_beta2', 0.95],
    ['max_grad_norm', 1],
    ['dpo_beta', 0.1],
    ['neftune_noise_alpha', 5],
    ['group_by_length', true],
    ['global_step', 1000],
    ['freeze_layers', [0, 1]],
    ['created_time', '2024-05-01'],
    ['rope_theta_note', 'as published'],
    ['file_size', 123],
    ['world_size', 8],
    ['expert_parallel_size', 2],
    ['attn_impl', 'triton'],
    ['make_vocab_size_divisible_by', 128],
    ['original_vocab_size', 32],
    ['context_window', 4096],
    ['scale_attn_weights', true],
    ['no_bias', true],
    ['bias', 'none'],
    ['quantize', 'none'],
    ['metadata.model_size', 7],
    ['hyperparameters.lora_alpha', 16],
  ])('are let be where they are about training, files, machines or texts: %s = %j', (key, value) => {
    expect(said({ [key]: value })).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['batch_size', 8],
    ['training.warmup_ratio', 0.1],
    ['quantized_by', 'somebody'],
    ['quantization_version', 2],
    ['expert_group_count', 1],
  ])('are let be in a GGUF file too: %s = %j', (key, value) => {
    const { notices } = readGguf('llama', { [key]: value });
    expect(notices.filter(({ code }) => !code.endsWith('-DEFAULT'))).toEqual([]);
  });

  it.each(['model_size', 'group', 'position', 'my_value', 'size'])(
    'are noted where a general word has a text: %s',
    (key) => {
      expect(said({ [key]: 'x' })).toEqual([`CONFIG-UNREAD-KEY Not known and not read: "${key}".`]);
    },
  );

  it.each<[string, unknown]>([
    ['group_size', 64],
    ['my_position', 3],
    ['shared_state', true],
    ['vocab_size_per_layer_input', 5],
    ['use_batch_norm', true],
    ['kv_lora_rank', 8],
    ['lambda_init', 0.8],
    ['use_xpos', true],
    ['token_shift', true],
    ['hybrid_override_pattern', 'M*'],
    ['w_bit', 4],
    ['final_norm', false],
    ['scale_attn_weights', false],
    ['rope_is_neox_style', false],
  ])('are refused where they speak of a pass all the same: %s = %j', async (key, value) => {
    const { message } = await refusal('E_CONFIG_UNSUPPORTED', () => read({ [key]: value }));
    expect(message).toContain(`${key} is `);
  });
});

describe('two spellings that disagree', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['experts', { ...MOE, num_experts: 8, num_local_experts: 4 }, 'num_experts is 8'],
    ['activations', { ...GEMMA, hidden_act: 'gelu' }, 'hidden_act is "gelu"'],
    [
      'bases',
      { 'rope_parameters.rope_theta': 5, 'rope_parameters.rope_type': 'default' },
      'but rope_parameters.rope_theta = 5 is taken',
    ],
    [
      'scalings',
      { 'rope_parameters.rope_theta': 5, 'rope_scaling.rope_type': 'linear', 'rope_scaling.factor': 2 },
      'rope_parameters.rope_theta is 5',
    ],
  ])('are warned about: %s', (_, keys, words) => {
    const lines = said(keys).filter((line) => line.startsWith('CONFIG-STATED-TWICE'));
    expect(lines.join()).toContain(words);
  });

  it('rope_scaling replaces rope_parameters, its base included', () => {
    const stated = { 'rope_parameters.rope_theta': 5e5, 'rope_scaling.type': 'linear', 'rope_scaling.factor': 2 };
    expect(read(stated).config.rope).toMatchObject({ theta: 1e4, scaling: { type: 'linear', factor: 2 } });
  });
});

describe('windows that a model type does not have', () => {
  it.each<[string, Record<string, unknown>]>([
    ['a window of llama', { sliding_window: 8 }],
    ['layers with one', { layer_types: Array.from({ length: 4 }, () => 'sliding_attention') }],
    ['a switch', { use_sliding_window: true }],
    ['layers of mistral', { model_type: 'mistral', sliding_window: 8, layer_types: ['full_attention'] }],
    [
      'layers with one that is switched off',
      { model_type: 'qwen3', sliding_window: 8, layer_types: Array.from({ length: 4 }, () => 'sliding_attention') },
    ],
    [
      'some layers of Qwen3-MoE',
      { ...MOE, num_experts: 8, sliding_window: 8, use_sliding_window: true, max_window_layers: 2 },
    ],
  ])('are refused: %s', async (_, keys) => {
    await refusal('E_CONFIG_UNSUPPORTED', () => read(keys));
  });

  it('may be as long as the context, or off', () => {
    expect(said({ sliding_window: 128 })).toEqual([]);
    expect(said({ sliding_window: 8, use_sliding_window: false, max_window_layers: 2 })).toEqual([]);
  });
});

describe('keys of GGUF', () => {
  it.each<[string, unknown]>([
    ['attention.scale', 0.5],
    ['attention.output_scale', 2],
    ['router_logit_softcapping', 30],
    ['expert_gating_func', 2],
    ['leading_dense_block_count', 1],
    ['nextn_predict_layers', 1],
    ['swiglu_clamp_exp', [7, 7, 7]],
    ['rope.dimension_sections', [2, 1, 1, 0]],
    ['attention.shared_kv_layers', 1],
    ['attention.layer_norm_epsilon', 1e-3],
    ['hidden_activation', 'gelu'],
    ['attention.brand_new_scale', 2],
  ])('are refused where they would change the result: %s = %j', async (key, value) => {
    const { message } = await refusal('E_CONFIG_UNSUPPORTED', () => readGguf('llama', { [key]: value }));
    expect(message).toContain(`llama.${key} is `);
  });

  it('are let be where they say what is done anyway', () => {
    const keys = {
      'attention.scale': Math.fround(1 / Math.sqrt(8)),
      'attention.layer_norm_epsilon': 1e-5,
      'attention.key_length_swa': 8,
      expert_count: 0,
      swiglu_clamp_exp: [0, 0, 0],
      pooling_type: 3,
      'rope.freq_base_swa': 1e4,
    };
    expect(readGguf('llama', keys).notices.map(({ code }) => code)).toEqual(['KV-HEADS-DEFAULT']);
  });

  it('a pattern of windows says which layers have them where llama.cpp has none too', () => {
    const of = (pattern: unknown) =>
      readGguf('llama', { 'attention.sliding_window': 4, 'attention.sliding_window_pattern': pattern });
    expect(of([true, false, true]).config).toMatchObject({ slidingWindow: 4, fullAttentionLayers: [1] });
    expect(of(3).config.fullAttentionLayers).toEqual([2]);
    expect(
      of(3)
        .notices.map(({ message }) => message)
        .join(),
    ).toContain('llama.cpp ignores it for this architecture');
  });

  it('shares that are not to add up are kept to, and both readers are named', () => {
    const experts = {
      expert_count: 4,
      expert_used_count: 2,
      expert_feed_forward_length: 8,
      expert_weights_norm: false,
    };
    const { config, notices } = readGguf('qwen3moe', experts);
    expect(config.experts?.isRenormalised).toBe(false);
    const { message = '' } = notices.find(({ code }) => code === 'EXPERT-NORM') ?? {};
    expect(message).toContain('Transformers');
    expect(message).toContain('llama.cpp');
  });
});
