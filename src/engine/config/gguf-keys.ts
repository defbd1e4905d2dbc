// The keys of every decoder in a GGUF file, by what they do here: read, harmless, or refused unless neutral.
import type { KnownKeys } from './unread-keys.ts';

const READ: readonly string[] = [
  'block_count',
  'embedding_length',
  'feed_forward_length',
  'context_length',
  'vocab_size',
  'attention.head_count',
  'attention.head_count_kv',
  'attention.key_length',
  'attention.value_length',
  'attention.layer_norm_rms_epsilon',
  'attention.sliding_window',
  'rope.freq_base',
  'rope.dimension_count',
  'rope.scaling.type',
  'rope.scaling.factor',
  'rope.scale_linear',
  'rope.scaling.original_context_length',
  'rope.scaling.attn_factor',
];

const HARMLESS: readonly string[] = [
  'tensor_data_layout',
  'expert_used_count',
  'rope.scaling.finetuned',
  'attention.layer_norm_epsilon',
];

const NEUTRAL: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['expert_count', 0],
  ['expert_shared_count', 0],
  ['expert_weights_scale', 1],
  ['attention.causal', true],
  ['attention.clamp_kqv', 0],
  ['attention.max_alibi_bias', 0],
  ['attention.scale', 0],
  ['attention.temperature_scale', 0],
  ['attention.key_length_swa', 0],
  ['attention.value_length_swa', 0],
  ['rope.dimension_count_swa', 0],
  ['rope.freq_base_swa', 0],
  ['attn_logit_softcapping', 0],
  ['final_logit_softcapping', 0],
  ['embedding_scale', 1],
  ['residual_scale', 1],
  ['logit_scale', 1],
  ['use_parallel_residual', false],
  ['rope.scaling.yarn_log_multiplier', 0],
  ['rope.scaling.yarn_ext_factor', 1],
  ['rope.scaling.yarn_attn_factor', 1],
  ['rope.scaling.yarn_beta_fast', 32],
  ['rope.scaling.yarn_beta_slow', 1],
]);

/** @param own keys that the architecture reads beside these */
export function knownGgufKeys(own: readonly string[] = []): KnownKeys {
  return { read: [...READ, ...own], harmless: HARMLESS, neutral: NEUTRAL };
}
