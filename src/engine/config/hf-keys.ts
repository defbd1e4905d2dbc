// The model types of config.json, and what its keys do here: read, harmless, or refused unless neutral.
import type { Architecture } from '../program/config.ts';
import type { KnownKeys } from './unread-keys.ts';

export interface HfModelType {
  architecture: Architecture;
  /**
   * What makes a layer look back only so far. `always`: a number in sliding_window; `switched`: use_sliding_window too;
   * `alternating`: a number, in every second layer, from 0.
   */
  window: 'never' | 'always' | 'switched' | 'alternating';
  /** Transformers' default of tie_word_embeddings for the type. */
  isTied: boolean;
}

export const HF_MODEL_TYPES: ReadonlyMap<string, HfModelType> = new Map<string, HfModelType>([
  ['llama', { architecture: 'llama', window: 'never', isTied: false }],
  ['mistral', { architecture: 'llama', window: 'always', isTied: false }],
  ['qwen2', { architecture: 'qwen2', window: 'switched', isTied: false }],
  ['qwen3', { architecture: 'qwen3', window: 'switched', isTied: false }],
  ['qwen3_moe', { architecture: 'qwen3moe', window: 'switched', isTied: false }],
  ['gemma2', { architecture: 'gemma2', window: 'alternating', isTied: true }],
]);

const READ: readonly string[] = [
  'model_type',
  'architectures',
  'num_hidden_layers',
  'hidden_size',
  'intermediate_size',
  'num_attention_heads',
  'num_key_value_heads',
  'head_dim',
  'vocab_size',
  'max_position_embeddings',
  'rms_norm_eps',
  'tie_word_embeddings',
  'attention_bias',
  'hidden_act',
  'rope_theta',
  'original_max_position_embeddings',
];
/** `rope_parameters` since Transformers 5, `rope_scaling` before. */
const ROPE: readonly string[] = [
  'rope_type',
  'type',
  'rope_theta',
  'factor',
  'low_freq_factor',
  'high_freq_factor',
  'original_max_position_embeddings',
  'attention_factor',
  'beta_fast',
  'beta_slow',
  'mscale',
  'mscale_all_dim',
  'truncate',
  'short_factor',
  'long_factor',
].flatMap((key) => [`rope_parameters.${key}`, `rope_scaling.${key}`]);
const WINDOW: readonly string[] = ['sliding_window', 'use_sliding_window', 'max_window_layers', 'layer_types'];
const GEMMA: readonly string[] = [
  'hidden_activation',
  'query_pre_attn_scalar',
  'attn_logit_softcapping',
  'final_logit_softcapping',
];
const EXPERTS: readonly string[] = [
  'num_experts',
  'num_local_experts',
  'num_experts_per_tok',
  'moe_intermediate_size',
  'norm_topk_prob',
];

/** About training, storage, text or speed. */
const HARMLESS: readonly string[] = [
  'dtype',
  'torch_dtype',
  'transformers_version',
  'use_cache',
  'cache_implementation',
  'initializer_range',
  'attention_dropout',
  'hidden_dropout',
  'bos_token_id',
  'eos_token_id',
  'pad_token_id',
  'unk_token_id',
  '_name_or_path',
  '_attn_implementation_autoset',
  'output_router_logits',
  'output_attentions',
  'output_hidden_states',
  'return_dict',
  'router_aux_loss_coef',
  'is_encoder_decoder',
  'chunk_size_feed_forward',
  // Read where the model type has a window; Transformers ignores them elsewhere.
  ...WINDOW,
];

const NEUTRAL: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['mlp_bias', false],
  ['pretraining_tp', 1],
  ['partial_rotary_factor', 1],
  ['rope_parameters.partial_rotary_factor', 1],
  ['use_bidirectional_attention', false],
  ['is_decoder', true],
  ['decoder_sparse_step', 1],
  ['mlp_only_layers', []],
  ['attn_logit_softcapping', 0],
  ['final_logit_softcapping', 0],
  ['quantization_config.quant_method', 'none'],
  ['num_nextn_predict_layers', 0],
]);

export function knownHfKeys({ architecture }: HfModelType): KnownKeys {
  const read = [
    ...READ,
    ...ROPE,
    ...(architecture === 'gemma2' ? GEMMA : []),
    ...(architecture === 'qwen3moe' ? EXPERTS : []),
  ];
  return { read, harmless: HARMLESS, neutral: NEUTRAL };
}
