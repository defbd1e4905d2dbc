// Module paths of vLLM's models, one device: q, k, v in one product and so gate and up; a norm adds the residual first
// and answers (normalised, sum), so that the sum of a layer appears with the norm after it; the activation multiplies by
// up as well. A first output may be written with `.0` or without.
import type { MapSource, Names } from './source.ts';

const LAYER = '*layers.{layer}';
const ATTENTION = `${LAYER}.self_attn`;
const MLP = `${LAYER}.mlp`;

const first = (path: string): string[] => [path, `${path}.0`];

const BIASED: Names = { qkv_bias: first(`${ATTENTION}.qkv_proj`) };

export const VLLM: MapSource = {
  rotaryRows: 'halves',
  stages: {
    embedding: '*embed_tokens',
    attn_norm: first(`${LAYER}.input_layernorm`),
    qkv_matmul: first(`${ATTENTION}.qkv_proj`),
    q_norm: `${ATTENTION}.q_norm`,
    k_norm: `${ATTENTION}.k_norm`,
    q_post_rope: first(`${ATTENTION}.rotary_emb`),
    k_post_rope: `${ATTENTION}.rotary_emb.1`,
    attention: [`${ATTENTION}.attn`, `${ATTENTION}.o_proj.input`],
    attn_out: [...first(`${ATTENTION}.o_proj`), ATTENTION],
    post_attn_residual: `${LAYER}.post_attention_layernorm.1`,
    ffn_norm: first(`${LAYER}.post_attention_layernorm`),
    'ffn_gate+ffn_up': first(`${MLP}.gate_up_proj`),
    ffn_swigl: [`${MLP}.act_fn`, `${MLP}.down_proj.input`],
    ffn_out: [...first(`${MLP}.down_proj`), MLP],
    moe_logits: first(`${MLP}.gate`),
    post_ffn_residual: '*layers.{layer+1}.input_layernorm.1',
    'layer-last/post_ffn_residual': ['*model.norm.1', 'norm.1'],
    final_norm: ['*model.norm', '*model.norm.0', 'norm', 'norm.0'],
    lm_head: ['logits_processor', '*lm_head', 'logits'],
    // A part of the product, or of the norm.
    ignored: `${ATTENTION}.rotary_emb.input`,
  },
  where: {
    q_bias: BIASED,
    qkv_bias: BIASED,
    moe_ffn_out: { moe_ffn_out: [`${MLP}.experts`, MLP] },
    attn_post_norm: {
      attn_post_norm: `${LAYER}.post_attention_layernorm`,
      post_attn_residual: `${LAYER}.pre_feedforward_layernorm.1`,
      ffn_norm: first(`${LAYER}.pre_feedforward_layernorm`),
      ffn_post_norm: `${LAYER}.post_feedforward_layernorm`,
    },
    lm_head_uncapped: { lm_head_uncapped: '*lm_head', lm_head: ['logits_processor', 'logits'] },
  },
};
