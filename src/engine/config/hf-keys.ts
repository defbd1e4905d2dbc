// The keys of every decoder in config.json, by what they do here: read, harmless, or refused unless neutral; and whose
// model type it names.
import type { Architecture, Architectures, HfModelType } from './architecture.ts';
import type { KnownKeys } from './unread-keys.ts';

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
];
const WINDOW: readonly string[] = [
  'sliding_window',
  'use_sliding_window',
  'max_window_layers',
  'layer_types',
  'sliding_window_pattern',
];

/** About training, storage, text or speed. */
const HARMLESS: readonly string[] = [
  // Followed where the files are chosen.
  'transformers_weights',
  'dtype',
  'torch_dtype',
  'transformers_version',
  'use_cache',
  'cache_implementation',
  'initializer_range',
  'attention_dropout',
  'hidden_dropout',
  'embd_pdrop',
  'resid_pdrop',
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
  // What Transformers remembers of the one above, and does not read.
  '_sliding_window_pattern',
];

const NEUTRAL: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['mlp_bias', false],
  ['lm_head_bias', false],
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

/** @param own keys that the architecture reads beside these */
export function knownHfKeys(own: readonly string[] = []): KnownKeys {
  // The first since Transformers 5, the second before.
  const rope = ['rope_parameters', 'rope_scaling'].flatMap(ropeKeys);
  return { read: [...READ, ...rope, ...own], harmless: HARMLESS, neutral: NEUTRAL };
}

/** The keys of a group that states a rotation. */
export function ropeKeys(group: string): string[] {
  return ROPE.map((key) => `${group}.${key}`);
}

/** @param name `model_type` of config.json, whatever it holds */
export function findModelType(
  architectures: Architectures,
  name: unknown,
): { architecture: Architecture; modelType: HfModelType } | undefined {
  for (const architecture of architectures.values()) {
    const { modelTypes } = architecture.hf;
    const modelType = typeof name === 'string' && Object.hasOwn(modelTypes, name) ? modelTypes[name] : undefined;
    if (modelType !== undefined) return { architecture, modelType };
  }
  return undefined;
}
