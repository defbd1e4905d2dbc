// Transformers' tensor names -> the canonical ones (GGUF's), where every decoder has them. A name that is not known
// stays as it is: whether that matters is for the program's check of unread tensors to say. And back, for messages.

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

/** Transformers adds the prefix to files that were saved from the model without its head. */
const WITHOUT_PREFIX = /^(embed_tokens|layers|norm)\./;
/** And takes it away where there is one too many. */
const PREFIX_TOO_MANY = /^model\.(?=(language_model\.)?model\.|lm_head\.)/;
/** GGUF's own names, which Transformers does not know; not the same tensors for being called so. */
const LOOKS_CANONICAL = /^(token_embd|output_norm|output|blk|rope_freqs|rope_factors_\w+)\./;

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
  const ownName = fileName.replace(PREFIX_TOO_MANY, '');
  const [prefix = '', plain = ''] = Object.entries(prefixes).find(([start]) => ownName.startsWith(start)) ?? [];
  const withoutPart = plain + ownName.slice(prefix.length);
  const storedName = WITHOUT_PREFIX.test(withoutPart) ? `model.${withoutPart}` : withoutPart;
  const whole = WHOLE.get(storedName);
  if (whole !== undefined) return { name: whole, expert: null };
  const [, layer, part = '', kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(storedName) ?? [];
  const known = Object.hasOwn(own, part) ? own[part] : LAYER.get(part);
  if (known !== undefined) return { name: `blk.${layer}.${known}.${kind}`, expert: null };
  const [, expert, matrix] = /^mlp\.experts\.(\d{1,6})\.(gate|up|down)_proj$/.exec(part) ?? [];
  if (expert === undefined || kind !== 'weight') {
    return {
      name: LOOKS_CANONICAL.test(storedName) ? `unknown.${storedName}` : storedName,
      expert: null,
    };
  }
  return { name: `blk.${layer}.ffn_${matrix}_exps.weight`, expert: Number(expert) };
}

/**
 * What Transformers calls a canonical name: the inverse of `canonicalName`, of the first expert where it is a stack.
 *
 * @param fused the architecture's; a part of a fused matrix is in that
 */
export function transformersName(
  canonical: string,
  own: Readonly<Record<string, string>> = {},
  fused: Readonly<Record<string, readonly string[]>> = {},
): string {
  const whole = [...WHOLE].find(([, name]) => name === canonical)?.[0];
  if (whole !== undefined) return whole;
  const [, layer, part = '', kind] = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/.exec(canonical) ?? [];
  const [, matrix] = /^ffn_(gate|up|down)_exps$/.exec(part) ?? [];
  if (matrix !== undefined) return `model.layers.${layer}.mlp.experts.0.${matrix}_proj.${kind}`;
  const stored = Object.entries(fused).find(([, parts]) => parts.includes(part))?.[0] ?? part;
  const names = [...Object.entries(own), ...[...LAYER].filter(([name]) => !Object.hasOwn(own, name))];
  const name = names.find(([, known]) => known === stored)?.[0];
  return name === undefined ? canonical : `model.layers.${layer}.${name}.${kind}`;
}
