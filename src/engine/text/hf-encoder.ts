// Text to token ids by a tokenizer.json as it stands: normalizer, pre-tokenizer, merges and whole tokens are the
// library's, which follows the rules of Hugging Face's own.
import { Tokenizer } from '@huggingface/tokenizers';
import { RefuteError } from '../../errors.ts';

/** Checked for shape no further than readHfTokenizer needs; the library finds the rest. */
export interface TokenizerJson extends Readonly<Record<string, unknown>> {
  added_tokens?: readonly { special?: boolean }[];
}

export type EncodeWhole = (text: string, parseSpecial: boolean) => number[];

/** Built on first use: a vocabulary of 150,000 tokens takes a while. */
export function hfEncoder(json: TokenizerJson): EncodeWhole {
  const built = new Map<boolean, Tokenizer>();
  return (text, parseSpecial) => {
    const tokenizer = built.get(parseSpecial) ?? build(json, parseSpecial);
    built.set(parseSpecial, tokenizer);
    return tokenizer.encode(text, { add_special_tokens: false }).ids;
  };
}

/** Without `parseSpecial` the spelling of a control token is text. @throws RefuteError E_TOKENIZER_JSON */
function build(json: TokenizerJson, parseSpecial: boolean): Tokenizer {
  const added = (json.added_tokens ?? []).filter(({ special }) => parseSpecial || special !== true);
  try {
    return new Tokenizer({ ...json, added_tokens: added }, { clean_up_tokenization_spaces: false });
  } catch (cause) {
    const is = `it cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new RefuteError({ code: 'E_TOKENIZER_JSON', place: 'tokenizer.json', is, cause });
  }
}
