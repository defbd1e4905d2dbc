// The keys of every decoder in a GGUF file, by what they do here: read, harmless, or refused unless neutral. Which of
// them llama.cpp reads was found out by its answers (test/oracles/external/llama-cpp-keys.test.ts).
import { BOOKKEEPING } from './hf-keys.ts';
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
  'attention.sliding_window_pattern',
  'rope.freq_base',
  'rope.dimension_count',
  'rope.scaling.type',
  'rope.scaling.factor',
  'rope.scale_linear',
  'rope.scaling.original_context_length',
  'rope.scaling.attn_factor',
];

const HARMLESS: KnownKeys['harmless'] = {
  ...BOOKKEEPING,
  'about the file it was made of': [/^tensor_data_layout$/, /^rope\.scaling\.finetuned$/],
  'about embeddings of texts, which come after the last layer': [/^pooling_type$/, /^embedding_length_out$/],
  'about text': [/^decoder_start_token_id$/],
};

/** 0 is how llama.cpp has "none" of most. */
const NEUTRAL: KnownKeys['neutral'] = {
  'attention.causal': [true],
  'attention.scale': ({ attentionScale }) => [attentionScale, 0],
  'attention.output_scale': [1, 0],
  'attention.value_scale': [1, 0],
  'attention.layer_norm_epsilon': ({ rmsNormEps }) => [rmsNormEps, 0],
  'attention.key_length_swa': ({ headDim }) => [headDim, 0],
  'attention.value_length_swa': ({ headDim }) => [headDim, 0],
  'rope.dimension_count_swa': ({ rope }) => [rope.rotaryDim, 0],
  'rope.freq_base_swa': ({ rope, localTheta }) => [localTheta ?? rope.theta, 0],
  attn_logit_softcapping: ({ attentionSoftcap }) => [attentionSoftcap ?? 0],
  final_logit_softcapping: ({ logitSoftcap }) => [logitSoftcap ?? 0],
  embedding_scale: ({ embeddingScale }) => [embeddingScale, 0],
  residual_scale: [1, 0],
  logit_scale: [1, 0],
  hidden_activation: ({ architecture }) => [architecture.startsWith('gemma') ? 'gelu' : 'silu'],
  expert_count: ({ experts }) => [experts?.count ?? 0],
  expert_used_count: ({ experts }) => [experts?.usedCount ?? 0],
  expert_feed_forward_length: ({ experts }) => [experts?.ffnDim ?? 0],
  expert_weights_norm: ({ experts }) => [experts?.isRenormalised ?? false],
  expert_weights_scale: [1, 0],
  expert_group_count: [1, 0],
  expert_group_used_count: [1, 0],
  /** 1 is softmax. */
  expert_gating_func: [1, 0],
  moe_every_n_layers: [1, 0],
  interleave_moe_layer_step: [1, 0],
  swiglu_clamp_exp: [0],
  swiglu_clamp_shexp: [0],
  'rope.dimension_sections': [0],
  'rope.scaling.yarn_log_multiplier': [0],
  'rope.scaling.yarn_ext_factor': [1],
  'rope.scaling.yarn_attn_factor': [1],
  'rope.scaling.yarn_beta_fast': [32],
  'rope.scaling.yarn_beta_slow': [1],
  // Without a word of FORWARD_WORDS in the name.
  nextn_predict_layers: [0],
  'classifier.output_labels': [],
  swin_norm: [false],
};

/** @param own keys that the architecture reads beside these */
export function knownGgufKeys(own: readonly string[] = []): KnownKeys {
  return { read: [...READ, ...own], harmless: HARMLESS, neutral: NEUTRAL };
}
