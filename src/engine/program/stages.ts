// The stage names of DESIGN §4: 23 of the original tool in canonical order, and ours beside them.

/**
 * Canonical order = order of execution. Ours are `v`, `q_norm`, `k_norm`, `moe_logits`, `ffn_gelu`, the two `_post_norm`
 * and `lm_head_uncapped`; the rest are the original's, its spelling (`ffn_swigl`) included.
 */
export const STAGE_NAMES = [
  'embedding',
  'attn_norm',
  'qkv_matmul',
  'qkv_bias',
  'v',
  'q_norm',
  'k_norm',
  'q_post_rope',
  'k_post_rope',
  'attn_scores',
  'attn_softmax',
  'attention',
  'attn_out',
  'attn_post_norm',
  'post_attn_residual',
  'ffn_norm',
  'ffn_gate',
  'ffn_up',
  'ffn_silu',
  'ffn_gelu',
  'ffn_swigl',
  'ffn_out',
  'ffn_post_norm',
  'moe_logits',
  'moe_router',
  'moe_ffn_out',
  'moe_router_indices',
  'post_ffn_residual',
  'final_norm',
  'lm_head_uncapped',
  'lm_head',
] as const;

export type StageName = (typeof STAGE_NAMES)[number];

/** Other names under which people ask for a stage. */
export const STAGE_ALIASES: Readonly<Record<string, StageName>> = { layer_output: 'post_ffn_residual' };

export function isStageName(name: string): name is StageName {
  return STAGE_NAMES.some((known) => known === name);
}

/** Place in canonical order; an unknown name comes first. */
export function stageRank(name: string): number {
  return STAGE_NAMES.findIndex((known) => known === name);
}
