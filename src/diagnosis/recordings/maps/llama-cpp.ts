// Names of the nodes of llama.cpp's graph. One name is given to several nodes in a row (product, bias, rotation), so a
// dump that keeps them all ends its names in the op: `Qcur-0.ROPE`, `Qcur-0_ROPE`, `Qcur-0 (ROPE)`. Without the op it is
// the last of them. Some nodes have no name of their own (`node_31`): the product of the head's output, in most files.
// The order of q and k is that of the GGUF file.
import type { MapSource } from './source.ts';

export const LLAMA_CPP: MapSource = {
  endsInOp: true,
  stages: {
    embedding: ['embd', 'inp_embd'],
    attn_norm: 'attn_norm-{layer}',
    q_matmul: 'Qcur-{layer}.MUL_MAT',
    k_matmul: 'Kcur-{layer}.MUL_MAT',
    v_matmul: 'Vcur-{layer}.MUL_MAT',
    qkv_matmul: 'wqkv-{layer}',
    q_bias: 'Qcur-{layer}.ADD',
    k_bias: 'Kcur-{layer}.ADD',
    v_bias: 'Vcur-{layer}.ADD',
    q_norm: 'Qcur_normed-{layer}',
    k_norm: 'Kcur_normed-{layer}',
    q_post_rope: ['Qcur-{layer}.ROPE', 'Qcur-{layer}'],
    k_post_rope: ['Kcur-{layer}.ROPE', 'Kcur-{layer}'],
    v: 'Vcur-{layer}',
    attention: 'kqv_out-{layer}',
    attn_out: 'attn_out-{layer}',
    attn_post_norm: 'attn_post_norm-{layer}',
    post_attn_residual: ['ffn_inp-{layer}', 'sa_out-{layer}'],
    ffn_norm: 'ffn_norm-{layer}',
    ffn_gate: 'ffn_gate-{layer}',
    ffn_up: 'ffn_up-{layer}',
    ffn_silu: 'ffn_silu-{layer}',
    ffn_gelu: 'ffn_gelu-{layer}',
    ffn_swigl: ['ffn_swiglu-{layer}', 'ffn_geglu-{layer}', 'ffn_gate_par-{layer}'],
    ffn_out: 'ffn_out-{layer}',
    moe_logits: 'ffn_moe_logits-{layer}',
    moe_router_indices: 'ffn_moe_topk-{layer}',
    moe_router: 'ffn_moe_weights_norm-{layer}',
    moe_gate: 'ffn_moe_gate-{layer}',
    moe_up: 'ffn_moe_up-{layer}',
    moe_swigl: 'ffn_moe_swiglu-{layer}',
    moe_down: 'ffn_moe_down-{layer}',
    moe_ffn_out: 'ffn_moe_out-{layer}',
    post_ffn_residual: 'l_out-{layer}',
    final_norm: 'result_norm',
    lm_head: 'result_output',
    // Steps of a norm, of attention and of routing, and other shapes of what has a name.
    ignored: [
      ...['norm-{layer}', 'norm', 'Qcur-{layer}.RESHAPE', 'Kcur-{layer}.RESHAPE', 'Vcur-{layer}.RESHAPE'],
      ...['kq-{layer}', 'kq_scaled_1-{layer}', 'kq_tanh-{layer}', 'kq_scaled_2-{layer}', 'kq_soft_max-{layer}'],
      ...['kqv-{layer}', 'ffn_moe_probs-{layer}', 'ffn_moe_argsort-{layer}', 'ffn_moe_weights-{layer}'],
      ...['ffn_moe_weights_sum-{layer}', 'ffn_moe_weights_sum_clamped-{layer}', 'ffn_moe_weighted-{layer}'],
    ],
  },
  where: { token_embedding: { token_embedding: ['embd', 'inp_embd'], embedding: 'inp_scaled' } },
};
