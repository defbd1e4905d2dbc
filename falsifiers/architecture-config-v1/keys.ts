// Keys of other families, and of these under other words, each with a value that changes a forward pass; and keys that
// config.json files of published models have beside what a reader wants. Written from the papers and model cards of
// those families, not from the product's lists.
import fc from 'fast-check';
import type { GgufValue } from '../kit/models/gguf-bytes.ts';
import { TINY, type TinyName } from './cases.ts';

type Key = readonly [name: string, value: unknown];

/** Not neutral in any of models/tiny. */
const CHANGING: readonly Key[] = [
  ['rotary_dim', 4],
  ['rotary_pct', 0.25],
  ['rotary_ndims', 2],
  ['rotary_percent', 0.5],
  ['partial_rotary_factor', 0.5],
  ['rotary_emb_base', 123],
  ['rope_ratio', 500],
  ['rope_base', 77],
  ['rope_interleaved', true],
  ['use_mrope', true],
  ['rope_scaling.alpha', 1000],
  ['rope_scaling.mrope_section', [2, 1, 1]],
  ['rope_scaling.long_mscale', 1.2],
  ['swa_rope_theta', 123],
  ['no_rope_layers', [1, 0, 1]],
  ['no_rope_layer_interval', 4],
  ['use_rope', false],
  ['position_embedding_type', 'alibi'],
  ['alibi', true],
  ['use_alibi', true],
  ['attn_temperature_tuning', true],
  ['floor_scale', 8192],
  ['qk_layernorm', 'full'],
  ['attention_qk_clip', 100],
  ['scale_emb', 12],
  ['dim_model_base', 256],
  ['scale_depth', 1.4],
  ['embedding_multiplier', 12.5],
  ['attention_multiplier', 0.0078125],
  ['residual_multiplier', 0.22],
  ['logits_scaling', 8],
  ['logit_scale', 0.0625],
  ['logits_soft_cap', 13],
  ['attn_logit_softcap', 13],
  ['router_logit_softcapping', 30],
  ['mup_scale_factor', 2],
  ['use_parallel_residual', true],
  ['parallel_attn', true],
  ['new_decoder_architecture', true],
  ['norm_type', 'layernorm'],
  ['norm_eps', 0.25],
  ['layer_norm_epsilon', 0.25],
  ['norm_epsilon', 0.25],
  ['use_post_norm', true],
  ['sandwich_norm', true],
  ['post_norm', true],
  ['clip_qkv', 8],
  ['query_pre_attn_scalar', 3],
  ['softmax_scale', 3],
  ['activation_function', 'relu'],
  ['mlp_hidden_act', 'relu2'],
  ['mlp_bias', true],
  ['lm_head_bias', true],
  ['qkv_bias', 'q'],
  ['use_bias', true],
  ['add_bias_linear', true],
  ['num_local_experts', 77],
  ['n_routed_experts', 64],
  ['n_shared_experts', 2],
  ['routed_scaling_factor', 2.5],
  ['first_k_dense_replace', 1],
  ['moe_layer_freq', 2],
  ['shared_expert_intermediate_size', 64],
  ['kv_lora_rank', 512],
  ['q_lora_rank', 1536],
  ['qk_nope_head_dim', 128],
  ['num_nextn_predict_layers', 1],
  ['n_embd', 7],
  ['n_head', 3],
  ['n_layer', 99],
  ['n_inner', 5],
  ['num_kv_heads', 7],
  ['attention_sinks', true],
  ['num_sink_positions', 4],
  ['layer_skip', [0]],
  ['num_loops', 2],
  ['attn_res_block_size', 2],
  ['is_causal', false],
  ['is_encoder_decoder', true],
  ['use_bidirectional_attention', true],
  ['mlp_only_layers', [0]],
  ['per_layer_config.0.head_dim', 4],
  ['quantization_config.quant_method', 'gptq'],
  ['quantization_config.bits', 4],
  ['quantization_config.load_in_4bit', true],
  ['quantization_config.quant_method', 'fp8'],
  ['quantization.group_size', 64],
  ['compression_config.format', 'pack-quantized'],
  ['peft_type', 'LORA'],
  ['lora_alpha', 16],
  ['swiglu_limit', 7],
  ['hidden_act_scale', 2],
];

/** Of published models, where they change nothing. */
const HARMLESS: readonly Key[] = [
  ['_name_or_path', 'someone/something'],
  ['transformers_version', '4.40.0'],
  ['torch_dtype', 'bfloat16'],
  ['use_cache', false],
  ['cache_implementation', 'hybrid'],
  ['initializer_range', 0.041666666666666664],
  ['attention_dropout', 0.1],
  ['resid_pdrop', 0.1],
  ['pretraining_tp', 2],
  ['bos_token_id', 1],
  ['eos_token_id', [1, 2]],
  ['pad_token_id', 0],
  ['end_token_id', 2],
  ['is_llama_config', true],
  ['rope_interleaved', false],
  ['transformers.js_config.kv_cache_dtype.q4f16', 'float16'],
  ['transformers.js_config.dtype', 'q4'],
  ['max_sequence_length', 2048],
  ['model_max_length', 4096],
  ['max_length', 4096],
  ['temperature', 0.6],
  ['top_p', 0.9],
  ['use_mrope', false],
  ['full_attn_mod', 1],
  ['interpolate_factor', 1],
  ['mlp_bias', false],
  ['lm_head_bias', false],
  ['unsloth_fixed', true],
  ['unsloth_version', '2025.1'],
  ['use_flash_attn', true],
  ['_attn_implementation_autoset', true],
  ['gradient_checkpointing', true],
  ['router_aux_loss_coef', 0.001],
  ['output_router_logits', false],
  ['tokenizer_class', 'LlamaTokenizer'],
  ['id2label.0', 'LABEL_0'],
  ['num_labels', 3],
  ['problem_type', null],
  ['quantization_config', null],
  ['rope_scaling', null],
  ['shared_expert_intermediate_size', 0],
  ['qkv_clip', null],
  ['alibi', false],
  ['is_decoder', false],
  ['add_cross_attention', false],
  ['chunk_size_feed_forward', 0],
  ['logits_soft_cap', 0],
];

/** What a converter, a merge tool or a new family may call a number of its own. */
const composed: fc.Arbitrary<Key> = fc
  .tuple(
    fc.constantFrom('attn', 'router', 'q', 'kv', 'final', 'local', 'mlp', 'residual', 'hidden', 'logits', 'output'),
    fc.constantFrom(
      'logit_cap',
      'scale',
      'norm_eps',
      'bias_rank',
      'clip',
      'multiplier',
      'rope_theta',
      'window_size',
      'norm_type',
    ),
    fc.constantFrom('', '_v2', '_factor', '_per_layer'),
    fc.double({ min: 2, max: 100, noNaN: true }),
    fc.boolean(),
  )
  .map(([prefix, word, suffix, value, isCamel]) => {
    const name = `my_${prefix}_${word}${suffix}`;
    return [isCamel ? name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) : name, value];
  });

export interface KeyCase {
  model: TinyName;
  key: Key;
  isHarmless: boolean;
}

export const keyCases: fc.Arbitrary<KeyCase> = fc
  .record({
    model: fc.constantFrom(...TINY),
    key: fc.oneof(fc.constantFrom(...CHANGING), fc.constantFrom(...CHANGING), composed),
    harmless: fc.constantFrom(...HARMLESS),
    isHarmless: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
  })
  .map(({ harmless, isHarmless, key, model }) => ({ model, key: isHarmless ? harmless : key, isHarmless }));

/** `a.b.c` as nested objects, into what stands there. */
export function nested([name, value]: Key, own: Record<string, unknown> = {}): Record<string, unknown> {
  const [first = '', ...rest] = name.startsWith('transformers.js_config.')
    ? ['transformers.js_config', ...name.slice(23).split('.')]
    : name.split('.');
  if (rest.length === 0) return { [first]: value };
  const outer = (own[first] ?? {}) as Record<string, unknown>;
  return { [first]: { ...outer, ...nested([rest.join('.'), value], outer) } };
}

/** Tiny models with a GGUF file, and every key of llama.cpp's list but those that it stops the process on. */
export const GGUF_MODELS = ['llama', 'qwen2', 'qwen3', 'qwen3moe', 'gemma2', 'gemma3', 'phi3'] as const;
/** `name type value`, of the type that llama.cpp wants: it stops on others. */
export const GGUF_KEYS: readonly { key: string; value: GgufValue }[] = `
  attention.causal bool false
  attention.clamp_kqv f32 0.375
  attention.group_norm_epsilon f32 0.375
  attention.group_norm_groups u32 3
  attention.indexer.top_k u32 3
  attention.key_length_swa u32 3
  attention.kv_lora_rank u32 3
  attention.layer_norm_epsilon f32 0.375
  attention.layer_norm_rms_epsilon f32 0.375
  attention.max_alibi_bias f32 0.375
  attention.output_scale f32 0.375
  attention.q_lora_rank u32 3
  attention.relative_buckets_count u32 3
  attention.scale f32 0.375
  attention.shared_kv_layers u32 1
  attention.sliding_window u32 3
  attention.temperature_length u32 3
  attention.temperature_scale f32 0.375
  attention.value_length_swa u32 3
  attention.value_scale f32 0.375
  attn_logit_softcapping f32 0.375
  embedding_scale f32 0.375
  expert_feed_forward_length u32 3
  expert_gating_func u32 2
  expert_group_scale f32 0.375
  expert_shared_count u32 1
  expert_used_count u32 2
  expert_weights_norm bool true
  expert_weights_norm bool false
  expert_weights_scale f32 0.375
  final_logit_softcapping f32 4
  full_attention_interval u32 2
  hidden_activation string relu
  interleave_moe_layer_step u32 2
  leading_dense_block_count u32 1
  logit_scale f32 0.375
  moe_every_n_layers u32 2
  num_loops u32 2
  pooling_type u32 3
  rescale_every_n_layers u32 2
  residual_scale f32 0.375
  rope.dimension_sections u32 3
  rope.freq_base f32 100
  rope.freq_base_swa f32 100
  rope.scale_linear f32 4
  rope.scaling.alpha f32 0.375
  rope.scaling.attn_factor f32 1.5
  rope.scaling.factor f32 4
  rope.scaling.finetuned bool true
  rope.scaling.original_context_length u32 512
  rope.scaling.yarn_attn_factor f32 0.375
  rope.scaling.yarn_beta_fast f32 4
  rope.scaling.yarn_ext_factor f32 0.375
  rope.scaling.yarn_log_multiplier f32 0.375
  router_logit_softcapping f32 0.375
  ssm.state_size u32 3
  swiglu_clamp_exp f32 0.375
  swin_norm bool true
  tensor_data_layout string somehow
  token_shift_count u32 3
  use_parallel_residual bool true
  wkv.head_size u32 3
`
  .trim()
  .split('\n')
  .map((line) => {
    const [key = '', type = '', word = ''] = line.trim().split(' ');
    const value = type === 'string' ? word : type === 'bool' ? word === 'true' : Number(word);
    return { key, value: { type, value } as GgufValue };
  });
/** Windows in these layers, as converters write it. */
export const PATTERNS: readonly ['gemma2' | 'gemma3', GgufValue][] = [
  ['gemma2', { type: 'u32', value: 2 }],
  ['gemma2', { type: 'u32', value: 3 }],
  ['gemma2', { type: 'array', of: 'bool', values: [false, true, true] }],
  ['gemma2', { type: 'array', of: 'i32', values: [0, 0, 1] }],
  ['gemma3', { type: 'u32', value: 0 }],
  ['gemma3', { type: 'u32', value: 2 }],
  ['gemma3', { type: 'array', of: 'bool', values: [true, true, false, true, true, false] }],
  ['gemma3', { type: 'array', of: 'u32', values: [2, 0, 0, 1, 0, 1] }],
];
