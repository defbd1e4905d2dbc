// Text to token ids. Byte-level BPE by `@huggingface/tokenizers` over a tokenizer.json that is built here from the
// vocabulary, SentencePiece by sentencepiece-encoder.ts. Only merging is done here: whole tokens are cut out before
// (special-tokens.ts), text comes back by pieces.ts.
import { Tokenizer } from '@huggingface/tokenizers';
import { BYTE_ALPHABET } from './byte-alphabet.ts';
import { asOfUnicode15 } from './newer-characters.ts';
import { sentencePieceEncoder } from './sentencepiece-encoder.ts';
import { UnencodableCharacter } from './unencodable.ts';
import type { Vocabulary } from './vocabulary.ts';

export type Encode = (text: string) => number[];

/**
 * An encoder of text that holds no whole tokens. Building takes 0.1 s for 50,000 tokens of byte-level BPE.
 *
 * @throws RefuteError why the vocabulary encodes nothing
 */
export function buildEncoder(vocabulary: Vocabulary): Encode {
  if (vocabulary.unencodable !== null) throw vocabulary.unencodable;
  return vocabulary.kind === 'bpe' ? buildBpe(vocabulary) : sentencePieceEncoder(vocabulary);
}

function buildBpe({ preTokenizer, merges: listed, tokens }: Vocabulary): Encode {
  const { expressions = [], ignoresMerges = false } = preTokenizer ?? {};
  // Of a merge that is listed twice, the first place counts.
  const merges = [...new Set(listed)].map(splitMerge).filter((merge) => merge !== null);
  const vocab = textTokens(tokens);
  const made = addMissing(vocab, merges, tokens.length);
  const json = {
    version: '1.0',
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        ...expressions.map((expression) => {
          const pattern = { Regex: asOfUnicode15(expression) };
          return { type: 'Split', pattern, behavior: 'Isolated', invert: false };
        }),
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
      ],
    },
    model: { type: 'BPE', vocab, merges, ignore_merges: ignoresMerges },
    post_processor: null,
    decoder: null,
  };
  const tokenizer = new Tokenizer(json, { clean_up_tokenization_spaces: false });
  const encode: Encode = (text) => tokenizer.encode(text, { add_special_tokens: false }).ids;
  return made.size === 0 ? encode : (text) => spellOut(text, encode(text), { made, tokens });
}

/**
 * A merge may make a string that is not a token, on the way to one, and a byte may have no token but be part of one.
 * Such strings get ids from `firstId` on; without them the library would drop what is left of them at the end.
 *
 * @returns what each stands for: the ids of its bytes, those without a token `null`
 */
function addMissing(
  vocab: Record<string, number>,
  merges: readonly (readonly [string, string])[],
  firstId: number,
): ReadonlyMap<number, readonly (number | null)[]> {
  const made = new Map<number, (number | null)[]>();
  const byteIds = new Map(BYTE_ALPHABET.map((byte) => [byte, vocab[byte] ?? null]));
  for (const spelling of [...BYTE_ALPHABET, ...merges.map(([left, right]) => left + right)]) {
    if (vocab[spelling] !== undefined) continue;
    const id = firstId + made.size;
    vocab[spelling] = id;
    made.set(
      id,
      Array.from(spelling, (byte) => byteIds.get(byte) ?? null),
    );
  }
  return made;
}

/** @throws UnencodableCharacter where a byte without a token is left */
function spellOut(
  text: string,
  ids: readonly number[],
  { made, tokens }: { made: ReadonlyMap<number, readonly (number | null)[]>; tokens: readonly string[] },
): number[] {
  let bytesBefore = 0;
  return ids.flatMap((id) => {
    const bytes = made.get(id);
    const missing = bytes?.indexOf(null) ?? -1;
    if (missing !== -1) throw new UnencodableCharacter(indexOfByte(text, bytesBefore + missing));
    // One character of the alphabet a byte.
    bytesBefore += bytes?.length ?? tokens[id]?.length ?? 0;
    return bytes === undefined ? [id] : bytes.filter((byte) => byte !== null);
  });
}

/** UTF-16 index of the character that holds this byte of the text's UTF-8. */
function indexOfByte(text: string, byte: number): number {
  let [at, bytes] = [0, 0];
  for (const character of text) {
    bytes += new TextEncoder().encode(character).byteLength;
    if (bytes > byte) break;
    at += character.length;
  }
  return at;
}

/** "left right": the first space from the second character on parts them, as in llama.cpp. */
function splitMerge(merge: string): [string, string] | null {
  const space = merge.indexOf(' ', 1);
  return space === -1 ? null : [merge.slice(0, space), merge.slice(space + 1)];
}

/** Without a prototype, because a token may be called `__proto__`. As in llama.cpp a merge may end in any token. */
function textTokens(tokens: readonly string[]): Record<string, number> {
  const vocabulary: Record<string, number> = Object.create(null) as Record<string, number>;
  for (const [id, token] of tokens.entries()) vocabulary[token] = id;
  return vocabulary;
}
