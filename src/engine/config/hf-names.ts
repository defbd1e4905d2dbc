// Transformers' tensor names -> the canonical ones (GGUF's), where every decoder has them. A name that is not known
// stays as it is: whether that matters is for the program's check of unread tensors to say.

/** The same in every model type. */
const WHOLE: ReadonlyMap<string, string> = new Map([
  ['model.embed_tokens.weight', 'token_embd.weight'],
  ['model.norm.weight', 'output_norm.weight'],
  ['lm_head.weight', 'output.weight'],
]);

const LAYER: ReadonlyMap<string, string> = new Map([
  ['input_layernorm', 'attn_norm'],
  ['self_attn.q_proj', 'attn_q'],
  ['self_attn.k_proj', 'attn_k'],
  ['self_attn.v_proj', 'attn_v'],
  ['self_attn.o_proj', 'attn_output'],
  ['self_attn.q_norm', 'attn_q_norm'],
  ['self_attn.k_norm', 'attn_k_norm'],
  ['post_attention_layernorm', 'ffn_norm'],
  ['mlp.gate_proj', 'ffn_gate'],
  ['mlp.up_proj', 'ffn_up'],
  ['mlp.down_proj', 'ffn_down'],
  ['mlp.gate', 'ffn_gate_inp'],
]);

export interface CanonicalName {
  name: string;
  /** Where the tensor is one matrix of the stack `name`: which. */
  expert: number | null;
}

/**
 * @param own the architecture's names of parts of a layer, which go before the common ones
 * @param prefixes how names begin in a model of which text is a part, and what stands there otherwise
 */
export function canonicalName(
  fileName: string,
  own: Readonly<Record<string, string>> = {},
  prefixes: Readonly<Record<string, string>> = {},
): CanonicalName {
  const [prefix = '', plain = ''] = Object.entries(prefixes).find(([start]) => fileName.startsWith(start)) ?? [];
  const storedName = plain + fileName.slice(prefix.length);
  const whole = WHOLE.get(storedName);
  if (whole !== undefined) return { name: whole, expert: null };
  const [, layer, part = '', kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(storedName) ?? [];
  const known = Object.hasOwn(own, part) ? own[part] : LAYER.get(part);
  if (known !== undefined) return { name: `blk.${layer}.${known}.${kind}`, expert: null };
  const [, expert, matrix] = /^mlp\.experts\.(\d{1,6})\.(gate|up|down)_proj$/.exec(part) ?? [];
  if (expert === undefined || kind !== 'weight') return { name: storedName, expert: null };
  return { name: `blk.${layer}.ffn_${matrix}_exps.weight`, expert: Number(expert) };
}
