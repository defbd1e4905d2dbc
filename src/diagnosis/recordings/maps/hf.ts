// Module paths of Transformers, as hooks and scripts/record_dump.py give them: the output of a module under its path,
// its first input under `.input`, further outputs under `.1`, `.2`. Transformers 4 and 5.
import type { MapSource, Names } from './source.ts';

const LAYER = '*layers.{layer}';
const ATTENTION = `${LAYER}.self_attn`;
const MLP = `${LAYER}.mlp`;

/** A linear module adds its bias itself; the product alone is nowhere. */
const BIASED: Names = {
  q_bias: [`${ATTENTION}.q_proj`, `${ATTENTION}.q_norm.input`],
  k_bias: [`${ATTENTION}.k_proj`, `${ATTENTION}.k_norm.input`],
  v_bias: `${ATTENTION}.v_proj`,
  qkv_bias: `${ATTENTION}.qkv_proj`,
};

export const HF: MapSource = {
  rotaryRows: 'halves',
  stages: {
    embedding: ['*layers.0.input_layernorm.input', '*layers.0.input', '*embed_tokens'],
    attn_norm: `${LAYER}.input_layernorm`,
    q_matmul: [`${ATTENTION}.q_proj`, `${ATTENTION}.q_norm.input`],
    k_matmul: [`${ATTENTION}.k_proj`, `${ATTENTION}.k_norm.input`],
    v_matmul: `${ATTENTION}.v_proj`,
    qkv_matmul: `${ATTENTION}.qkv_proj`,
    q_norm: `${ATTENTION}.q_norm`,
    k_norm: `${ATTENTION}.k_norm`,
    q_post_rope: `${ATTENTION}.attention.query`,
    k_post_rope: `${ATTENTION}.attention.key`,
    v: `${ATTENTION}.attention.value`,
    attn_softmax: `${ATTENTION}.1`,
    attention: [`${ATTENTION}.attention`, `${ATTENTION}.o_proj.input`],
    attn_out: [`${ATTENTION}.o_proj`, ATTENTION],
    post_attn_residual: `${LAYER}.post_attention_layernorm.input`,
    ffn_norm: `${LAYER}.post_attention_layernorm`,
    ffn_gate: [`${MLP}.gate_proj`, `${MLP}.act_fn.input`, `${MLP}.activation_fn.input`],
    ffn_up: `${MLP}.up_proj`,
    'ffn_gate+ffn_up': `${MLP}.gate_up_proj`,
    ffn_silu: [`${MLP}.act_fn`, `${MLP}.activation_fn`, `${MLP}.silu`],
    ffn_swigl: `${MLP}.down_proj.input`,
    ffn_out: [`${MLP}.down_proj`, MLP],
    moe_logits: `${MLP}.gate`,
    moe_router: `${MLP}.gate.1`,
    moe_router_indices: `${MLP}.gate.2`,
    moe_gate: `${MLP}.experts.gate_proj`,
    moe_up: `${MLP}.experts.up_proj`,
    moe_silu: `${MLP}.experts.act_fn`,
    moe_swigl: `${MLP}.experts.down_proj.input`,
    moe_down: `${MLP}.experts.down_proj`,
    post_ffn_residual: [LAYER, '*layers.{layer+1}.input_layernorm.input'],
    final_norm: ['*model.norm', '*language_model.norm', 'norm'],
    lm_head: ['*lm_head', 'logits'],
    // Cosines and sines, which gemma3 makes twice.
    ignored: ['*rotary_emb', '*rotary_emb.1', '*rotary_emb#2', '*rotary_emb#2.1'],
  },
  where: {
    // Scaled by the module (version 5), or after it (gemma2 in version 4).
    token_embedding: { ignored: '*embed_tokens' },
    q_bias: BIASED,
    qkv_bias: BIASED,
    moe_ffn_out: { moe_ffn_out: [`${MLP}.experts`, MLP] },
    ffn_gelu: { ffn_gelu: [`${MLP}.act_fn`, `${MLP}.activation_fn`, `${MLP}.gelu`] },
    // A norm on either side of each part: the second one of a layer follows the attention here.
    attn_post_norm: {
      attn_out: [`${ATTENTION}.o_proj`, ATTENTION, `${LAYER}.post_attention_layernorm.input`],
      attn_post_norm: `${LAYER}.post_attention_layernorm`,
      post_attn_residual: `${LAYER}.pre_feedforward_layernorm.input`,
      ffn_norm: `${LAYER}.pre_feedforward_layernorm`,
      ffn_post_norm: `${LAYER}.post_feedforward_layernorm`,
    },
    lm_head_uncapped: { lm_head_uncapped: '*lm_head', lm_head: 'logits' },
  },
};
