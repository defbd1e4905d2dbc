// The stage names of DESIGN §4: 23 of the original tool in canonical order, and ours beside them; the names of
// values that are not stages; and how a name with its layer is written. Not a list of what one program has.

/**
 * Canonical order = order of execution. Ours are `v`, `q_norm`, `k_norm`, `moe_logits`, `ffn_gelu`, the two
 * `_post_norm` and `lm_head_uncapped`; the rest are the original's, its spelling (`ffn_swigl`) included.
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

type OtherValue =
  | 'token_embedding'
  | `${'q' | 'k' | 'v'}_${'matmul' | 'bias'}`
  | `moe_${'gate' | 'up' | 'silu' | 'swigl' | 'down'}`;

/** Values that are not stages, and the stage that each comes before in the order of execution. */
export const OTHER_VALUES: Readonly<Record<OtherValue, StageName>> = {
  token_embedding: 'embedding',
  q_matmul: 'qkv_matmul',
  k_matmul: 'qkv_matmul',
  v_matmul: 'qkv_matmul',
  q_bias: 'qkv_bias',
  k_bias: 'qkv_bias',
  v_bias: 'qkv_bias',
  moe_gate: 'moe_ffn_out',
  moe_up: 'moe_ffn_out',
  moe_silu: 'moe_ffn_out',
  moe_swigl: 'moe_ffn_out',
  moe_down: 'moe_ffn_out',
};

/** Every name that a value of a program may have within its layer. */
export type ValueName = StageName | OtherValue;

/** Stages and values of the whole model, and those of layer 0 alone; every other one is of each layer. */
export const WHOLE_MODEL: ReadonlySet<string> = new Set(['final_norm', 'lm_head_uncapped', 'lm_head']);
export const FIRST_LAYER: ReadonlySet<string> = new Set(['token_embedding', 'embedding']);

export function isStageName(name: string): name is StageName {
  return STAGE_NAMES.some((known) => known === name);
}

/** An alias is resolved; what is not one stays. */
export function unaliased(name: string): string {
  return Object.hasOwn(STAGE_ALIASES, name) ? (STAGE_ALIASES[name] ?? name) : name;
}

export interface StageKey {
  name: string;
  /** null: of the whole model. */
  layer: number | null;
}

/** To sort by: layer by layer in the order of execution, then the whole model; unknown names last. */
export function inOrder(a: StageKey, b: StageKey): number {
  const [layerA, layerB] = [a.layer ?? Number.MAX_VALUE, b.layer ?? Number.MAX_VALUE];
  return layerA - layerB || stageRank(a.name) - stageRank(b.name);
}

function stageRank(name: string): number {
  const next = Object.hasOwn(OTHER_VALUES, name) ? OTHER_VALUES[name as OtherValue] : null;
  const rank = STAGE_NAMES.findIndex((known) => known === (next ?? unaliased(name)));
  return rank === -1 ? STAGE_NAMES.length : rank - (next === null ? 0 : 0.5);
}

/** The identity of a stage or value: `layer-3/attn_norm`, `lm_head`. */
export function stageId({ name, layer }: StageKey): string {
  return layer === null ? name : `layer-${layer}/${name}`;
}

/** null: not written like one. Names are lower-case words, so no path made of an id can lead anywhere else. */
export function parseStageId(id: string): StageKey | null {
  const [, layer, name] = /^(?:layer-(0|[1-9]\d{0,4})\/)?([a-z0-9_]{1,64})$/.exec(id) ?? [];
  return name === undefined ? null : { name, layer: layer === undefined ? null : Number(layer) };
}
