// The keys of every decoder in config.json, by what they do here: read, harmless, or refused unless neutral; and whose
// model type it names.
import type { Architecture, Architectures, HfModelType } from './architecture.ts';
import type { ModelConfig } from '../program/config.ts';
import type { KnownKeys, Meaning } from './unread-keys.ts';

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
/** Each model type reads those of its own kind; `checkWindowKeys` sees to the others. */
const WINDOW: readonly string[] = [
  'sliding_window',
  'use_sliding_window',
  'max_window_layers',
  'layer_types',
  'sliding_window_pattern',
];

/** In files of every format. */
export const BOOKKEEPING: KnownKeys['harmless'] = {
  'about training': [
    /dropout|_pdrop$|loss|gradient_checkpointing|initializer_|^init_(std|method)$|^train|layerdrop|_(global|max|warmup|save|eval|logging)_steps?$|^summary_/,
    /^(pretraining_tp|seq_aux|scoring_func_type|finetuning_task|use_mup)$|^(?!lambda)\w+_init$|^group_by_length$/,
    /^(\w+_)?(batch(?!_?norm)|epochs?|lr|learning|grad|gradient|warmup|optim|optimizer|scheduler|weight_decay|dataset|wandb|deepspeed|fsdp|ddp)(_\w+)?$/,
    /^(\w+_)?(adam\w*|sft|dpo|orpo|kto|ppo|grpo|rlhf|neftune|frozen|freeze|trainable|trained|pretrain\w*|finetun\w+|checkpoint)(_\w+)?$/,
    /^((global|max|total|num|current)_)?steps?$|^beta[12]?$|^(val|validation|eval|test)_|^(eval|evaluation|metrics|results|hyperparameters)\./,
    /^(optimizer|scheduler|deepspeed|ds_config|fsdp|wandb|axolotl|mergekit|merge_config|(sft|dpo)_config|data|dataset)\./,
  ],
  'about where the model comes from': [
    /version$|^quanti[sz]ed_by$|^_name_or_path$|^_commit_hash$|^base_model|^_from_model_config$|^unsloth_|^is_llama_config$|^license|^model_name$|^merged_|_merged$/,
    /^(\w+_)?(notes?|comments?|description|file|path|url|author|created|date|commit|hash|revision|project|experiment)(_\w+)?$/,
    /^(_?metadata|meta|info|model_card|history)\./,
  ],
};

const HARMLESS: KnownKeys['harmless'] = {
  ...BOOKKEEPING,
  'about text': [
    /(?<!per)_token(_ids?|_index)?$|^tokenizer|suppress_tokens$|^special_tokens|^chat_|^language|^conv(ersation)?_template$|^resize_token_embeddings$|^(?!.*per_layer)(\w+_)?vocab(_\w+)?$/,
  ],
  'about how a text is generated': [
    /^(max|min)_(new_tokens|length)$|penalty|^(do_sample|early_stopping|temperature|top_[kph]|min_p|typical_p|use_mtp)$/,
    /^(num_beams?|num_beam_groups|no_repeat_ngram_size|encoder_no_repeat_ngram_size|num_return_sequences|bad_words_ids)$/,
    /^(epsilon|eta)_cutoff$|^assistant_|^num_assistant_|^target_lookbehind$|^(remove_invalid_values|renormalize_logits)$/,
  ],
  'about storage or speed': [
    /^(torch_)?dtype$|_dtype$|^use_(cache|cache_.*|bfloat16|fp16|bf16|mem_eff.*|kernel.*)$|^cache_implementation$|flash_?att|sdpa/,
    /^_?(attn|attention|experts)_(impl(ementation)?(_|$)|backend$)|(^|_)fused?_|_in_fp32$|^torchscript$|_plan(\.|$)|tensor_parallel|^chunk_size_feed_forward$/,
    /^transformers\.js_config\.|^device_map|^max_shard_size$|^offload|^sharded|^use_xformers$/,
    /^(world|[tpedcs]p|(\w+_)?parallel)_(size|degree|group)$/,
  ],
  'about what is given back': [
    /^output_(attentions|hidden_states|scores|(router_)?logits|past)$|^return_dict|^keys_to_ignore/,
  ],
  'about the length of texts, which no pass hangs on': [
    /^(max_sequence_length|max_seq_len(gth)?|model_max_length|seq(uence)?_len(gth)?|n_ctx|n_positions|max_context_length|context_length|context_window|ctx_len|max_tokens|n_ctx_train)$/,
  ],
  'about heads for other tasks': [
    /^(id2label|label2id|task_specific_params)\.|^num_labels$|^problem_type$|^pruned_heads/,
  ],
  // A group of rope parameters that says how it came about, and the defaults that Phi-4 mini states.
  'about how rope scaling was trained': [/^rope_(scaling|parameters)(\.full_attention)?\.finetuned$/],
  'followed where the files are chosen': [/^transformers_weights$/],
  // What Transformers remembers of sliding_window_pattern, and does not read.
  'read under another name': [/^_sliding_window_pattern$/],
};

const is =
  (key: Exclude<keyof ModelConfig, 'provenance'>): Meaning =>
  (config) => [config[key]];
const rotaryDim: Meaning = ({ rope }) => [rope.rotaryDim];
const partOfHead: Meaning = ({ rope, headDim }) => [rope.rotaryDim / headDim];
const theta: Meaning = ({ rope }) => [rope.theta];
const localTheta: Meaning = ({ localTheta: own, rope }) => [own ?? rope.theta];
const window: Meaning = ({ slidingWindow }) => [slidingWindow ?? 0];
const attentionCap: Meaning = ({ attentionSoftcap }) => [attentionSoftcap ?? 0];
const logitCap: Meaning = ({ logitSoftcap }) => [logitSoftcap ?? 0];
const expertCount: Meaning = ({ experts }) => [experts?.count ?? 0];
const activation: Meaning = ({ architecture }) =>
  architecture.startsWith('gemma') ? ['gelu_pytorch_tanh', 'gelu_new', 'geglu'] : ['silu', 'swish', 'swiglu'];

/** Words of other families, and switches of these; `true` is neutral where a decoder does it always. */
const NEUTRAL: KnownKeys['neutral'] = {
  // Layers and widths.
  n_layer: is('layerCount'),
  n_layers: is('layerCount'),
  num_layers: is('layerCount'),
  n_embd: is('modelDim'),
  d_model: is('modelDim'),
  n_embed: is('modelDim'),
  dim: is('modelDim'),
  dim_model_base: is('modelDim'),
  n_inner: is('ffnDim'),
  ffn_dim: is('ffnDim'),
  ffn_hidden_size: is('ffnDim'),
  hidden_dim: is('ffnDim'),
  n_head: is('headCount'),
  n_heads: is('headCount'),
  num_heads: is('headCount'),
  n_head_kv: is('kvHeadCount'),
  num_kv_heads: is('kvHeadCount'),
  n_kv_heads: is('kvHeadCount'),
  multi_query_group_num: is('kvHeadCount'),
  attention_head_dim: is('headDim'),
  kv_channels: is('headDim'),
  head_size: is('headDim'),
  qk_head_dim: is('headDim'),
  v_head_dim: is('headDim'),
  multi_query_attention: (config) => [config.kvHeadCount < config.headCount],
  multi_query: (config) => [config.kvHeadCount === 1],
  padded_vocab_size: ({ vocabSize }) => [vocabSize],
  block_size: is('contextLength'),
  // Rotation.
  rotary_dim: rotaryDim,
  rotary_ndims: rotaryDim,
  qk_rope_head_dim: rotaryDim,
  rope_dim: rotaryDim,
  rotary_pct: partOfHead,
  rotary_percent: partOfHead,
  rope_pct: partOfHead,
  partial_rotary_factor: partOfHead,
  'rope_parameters.partial_rotary_factor': partOfHead,
  'rope_scaling.partial_rotary_factor': partOfHead,
  rotary_emb_base: theta,
  rotary_base: theta,
  rope_base: theta,
  rotary_emb_scale_base: [],
  rope_local_base_freq: localTheta,
  swa_rope_theta: localTheta,
  local_rope_theta: localTheta,
  rope_ratio: [1],
  rope_interleaved: [false],
  rotary_emb_interleaved: [false],
  use_rope: [true],
  use_neox_style: [true],
  is_neox_style: [true],
  use_neox_rotary_style: [true],
  rope_is_neox_style: [true],
  use_rotary: [true],
  rotary: [true],
  rope: [true],
  use_rotary_embeddings: [true],
  position_embedding_type: ['rope', 'rotary'],
  pos_emb: ['rope', 'rotary'],
  no_rope_layers: [1],
  no_rope_layer_interval: [0],
  full_attn_mod: [1],
  interpolate_factor: [1],
  // Norms, activations, biases.
  layer_norm_eps: is('rmsNormEps'),
  layer_norm_epsilon: is('rmsNormEps'),
  layernorm_epsilon: is('rmsNormEps'),
  norm_eps: is('rmsNormEps'),
  norm_epsilon: is('rmsNormEps'),
  rms_norm_epsilon: is('rmsNormEps'),
  rms_eps: is('rmsNormEps'),
  norm_type: ['rms', 'rmsnorm', 'rms_norm'],
  normalization_type: ['rms', 'rmsnorm', 'rms_norm'],
  rmsnorm: [true],
  rms_norm: [true],
  use_rmsnorm: [true],
  use_rms_norm: [true],
  pre_norm: [true],
  final_norm: [true],
  use_final_norm: [true],
  final_layernorm: [true],
  elementwise_affine: [true],
  norm_elementwise_affine: [true],
  do_layer_norm_before: [true],
  qk_norm: is('hasQkNorm'),
  use_qk_norm: is('hasQkNorm'),
  qk_layernorm: is('hasQkNorm'),
  use_qk_layernorm: is('hasQkNorm'),
  hidden_activation: activation,
  activation_function: activation,
  activation,
  hidden_activation_function: activation,
  mlp_hidden_act: activation,
  ffn_act: activation,
  gated_mlp: [true],
  use_gated_mlp: [true],
  glu: [true],
  use_glu: [true],
  swiglu: [true],
  use_swiglu: [true],
  qkv_bias: is('hasQkvBias'),
  use_qkv_bias: is('hasQkvBias'),
  add_qkv_bias: is('hasQkvBias'),
  mlp_bias: [false],
  bias: [false, 'none'],
  no_bias: ({ hasQkvBias }) => [!hasQkvBias],
  lm_head_bias: [false],
  // Scores, logits, residuals.
  scale_attn_weights: [true],
  is_causal: [true],
  causal: [true],
  use_causal_mask: [true],
  query_pre_attn_scalar: ({ attentionScale }) => [attentionScale ** -2],
  attention_multiplier: is('attentionScale'),
  attention_scale: is('attentionScale'),
  attn_scale: is('attentionScale'),
  softmax_scale: is('attentionScale'),
  attn_logit_softcapping: attentionCap,
  attn_logit_softcap: attentionCap,
  attention_logit_softcapping: attentionCap,
  attn_soft_cap: attentionCap,
  final_logit_softcapping: logitCap,
  final_logit_softcap: logitCap,
  logits_soft_cap: logitCap,
  logit_softcap: logitCap,
  output_logit_soft_cap: logitCap,
  embedding_multiplier: is('embeddingScale'),
  embedding_scale: is('embeddingScale'),
  emb_scale: is('embeddingScale'),
  scale_emb: is('embeddingScale'),
  scale_embedding: (config) => [config.embeddingScale !== 1],
  residual_multiplier: [1],
  residual_scale: [1],
  logits_scaling: [1],
  logit_scale: [1],
  logits_scale: [1],
  output_multiplier: [1],
  lm_head_multiplier: [1],
  scale_depth: ({ layerCount: layers }) => [Math.sqrt(layers)],
  mup_width_scale: [1],
  width_scale: [1],
  attn_scale_factor: [1],
  sliding_window_size: window,
  window_size: window,
  // Experts.
  num_experts: expertCount,
  num_local_experts: expertCount,
  n_routed_experts: expertCount,
  moe_num_experts: expertCount,
  num_experts_per_tok: ({ experts }) => [experts?.usedCount ?? 0],
  moe_intermediate_size: ({ experts }) => [experts?.ffnDim ?? 0],
  norm_topk_prob: ({ experts }) => [experts?.isRenormalised ?? false],
  routed_scaling_factor: [1],
  moe_layer_freq: [1, 0],
  scoring_func: ['softmax'],
  n_group: [1, 0],
  topk_group: [1, 0],
  topk_method: ['greedy'],
  decoder_sparse_step: [1],
  // What makes it another kind of model, or other weights than those of the file.
  is_decoder: [true, false],
  is_encoder_decoder: [false],
  is_encoder: [false],
  prefix_lm: [false],
  new_decoder_architecture: [false],
  use_long_context: [false],
  add_cross_attention: [false],
  'quantization_config.quant_method': ['none'],
  quantization: ['none'],
  quantize: ['none'],
  auto_map: [],
};

const TOLD: NonNullable<KnownKeys['told']> = [
  {
    key: /^auto_map\./,
    severity: 'note',
    code: 'CONFIG-OWN-CODE',
    message:
      "code of the model's own that Transformers may be told to run; here it is not run, the model type decides.",
  },
  {
    key: /^dual_chunk_attention_config\./,
    severity: 'note',
    code: 'CONFIG-DUAL-CHUNK',
    message:
      'attention in chunks, which vLLM has for long prompts; Transformers and llama.cpp have not, nor is it done here.',
  },
];

/** @param own keys that the architecture reads beside these */
export function knownHfKeys(own: readonly string[] = []): KnownKeys {
  // The first since Transformers 5, the second before.
  const rope = ['rope_parameters', 'rope_scaling'].flatMap(ropeKeys);
  return { read: [...READ, ...WINDOW, ...rope, ...own], harmless: HARMLESS, neutral: NEUTRAL, told: TOLD };
}

/** What a model that sees more than text says beside the part for text. */
export const KEYS_BESIDE_TEXT: KnownKeys = {
  read: ['model_type', 'architectures', 'tie_word_embeddings'],
  harmless: { ...HARMLESS, 'about images': [/^mm_tokens_per_image$|^(vision|image|projector)_/] },
  neutral: NEUTRAL,
  told: TOLD,
};

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
