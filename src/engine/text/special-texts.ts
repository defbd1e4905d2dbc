// The texts of the tokens that a GGUF file's chat template may name: `bos_token`, `eos_token`, `pad_token`, …
import type { SpecialTexts } from './chat-template.ts';

/** As GGUF spells the keys, `seperator` too. */
const KEYS = {
  unk: 'unknown_token_id',
  sep: 'seperator_token_id',
  pad: 'padding_token_id',
  cls: 'cls_token_id',
  mask: 'mask_token_id',
} as const;

interface Ids {
  bosId: number | null;
  eosId: number | null;
  tokens: readonly string[];
}

/** An id that is no token names none; these are no keys that anything else reads. llama.cpp makes an absent BOS or EOS ''. */
export function specialTexts(metadata: ReadonlyMap<string, unknown>, ids: Ids): SpecialTexts {
  const text = (id: unknown): string | null => ids.tokens[typeof id === 'number' ? id : -1] ?? null;
  const others = Object.entries(KEYS).map(([name, key]) => [name, text(metadata.get(`tokenizer.ggml.${key}`))]);
  return { bos: text(ids.bosId) ?? '', eos: text(ids.eosId) ?? '', ...Object.fromEntries(others) };
}
