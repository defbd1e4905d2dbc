// Text to token ids: byte-level BPE here, with the merging of hf/bpe.ts; SentencePiece by sentencepiece-encoder.ts. Whole
// tokens are cut out before (special-tokens.ts), text comes back by pieces.ts.
import { BYTE_ALPHABET } from './byte-alphabet.ts';
import { mergeWords, Merges } from './hf/bpe.ts';
import { bytesAsText } from './hf/byte-text.ts';
import { findAll } from './hf/find-pattern.ts';
import { stretchesOf } from './hf/piece.ts';
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
  const finds = expressions.map((expression) => findAll(new RegExp(ofWhiteSpace(asOfUnicode15(expression)), 'gu')));
  // Of a merge that is listed twice, the first place counts.
  const pairs = [...new Set(listed)].map(splitMerge).filter((merge) => merge !== null);
  // As in llama.cpp a merge may end in any token.
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const made = addMissing(idOf, pairs, tokens.length);
  const merges = new Merges();
  for (const [left, right] of pairs) {
    const ids = [idOf.get(left), idOf.get(right), idOf.get(left + right)] as const;
    // One whose parts nothing spells is never reached.
    if (ids[0] !== undefined && ids[1] !== undefined && ids[2] !== undefined) merges.add(ids[0], ids[1], ids[2]);
  }
  const mergeWord = mergeWords((word) => Array.from(word, (byte) => idOf.get(byte) as number), merges);
  const encodeWord = (word: string): readonly number[] => {
    const whole = ignoresMerges ? idOf.get(word) : undefined;
    return whole === undefined || made.has(whole) ? mergeWord(word) : [whole];
  };
  return (text) => {
    let words = text === '' ? [] : [text];
    for (const find of finds) {
      words = words.flatMap((word) => stretchesOf(word, find).map(({ start, end }) => word.slice(start, end)));
    }
    const ids = words.filter((word) => word !== '').flatMap((word) => encodeWord(bytesAsText(word)));
    return made.size === 0 ? ids : spellOut(text, ids, { made, tokens });
  };
}

/** White space is Unicode's: the runtime's own has U+FEFF, and not U+0085. */
function ofWhiteSpace(expression: string): string {
  return expression.replaceAll('\\s', '\\p{White_Space}').replaceAll('\\S', '\\P{White_Space}');
}

/**
 * A merge may make a string that is not a token, on the way to one, and a byte may have no token but be part of one.
 * Such strings get ids from `firstId` on; what is left of them at the end is spelled out.
 *
 * @returns what each stands for: the ids of its bytes, those without a token `null`
 */
function addMissing(
  idOf: Map<string, number>,
  merges: readonly (readonly [string, string])[],
  firstId: number,
): ReadonlyMap<number, readonly (number | null)[]> {
  const made = new Map<number, (number | null)[]>();
  const byteIds = new Map(BYTE_ALPHABET.map((byte) => [byte, idOf.get(byte) ?? null]));
  for (const spelling of [...BYTE_ALPHABET, ...merges.map(([left, right]) => left + right)]) {
    if (idOf.has(spelling)) continue;
    const id = firstId + made.size;
    idOf.set(spelling, id);
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
