// Tokenizers in their slowest clear form, from the definitions: whole tokens are cut out, the rest is cut into words,
// and two neighbours merge at a time, the best pair first, searched for from scratch after every merge. Written without
// the product and without regular expressions over text, so that a wrong expression cannot be wrong on both sides.
import { BYTE_SPELLINGS, TOKEN_KIND, type SlowVocabulary } from './vocabularies.ts';

/** First and last code point of each range. */
export type CodePointRanges = readonly (readonly [first: number, last: number])[];

/** Stands for a byte without a token: such a text has no ids. */
export const NO_TOKEN = -1;

export type SlowEncode = (text: string, options: { parseSpecial: boolean }) => number[];

/** @param unassigned code points that are no character in the Unicode version by which text is cut */
export function slowEncoder(vocabulary: SlowVocabulary, unassigned: CodePointRanges): SlowEncode {
  const encodeText = vocabulary.kind === 'bpe' ? slowBpe(vocabulary, unassigned) : slowSentencePiece(vocabulary);
  const split = partsOf(vocabulary);
  return (text, { parseSpecial }) =>
    split(text, parseSpecial).flatMap((part) => (typeof part === 'number' ? [part] : encodeText(part)));
}

/** Ids of the tokens that no merge makes, and the text between them. */
export function partsOf(vocabulary: SlowVocabulary): (text: string, parseSpecial: boolean) => (string | number)[] {
  const whole = wholeTokens(vocabulary);
  return (text, parseSpecial) => splitWholeTokens(whole, text.toWellFormed(), parseSpecial);
}

interface WholeToken {
  token: string;
  id: number;
  kind: number;
}

/** Those that no merge makes, the longest first. */
function wholeTokens({ tokens, kinds }: SlowVocabulary): WholeToken[] {
  const byteLength = (token: string): number => new TextEncoder().encode(token).length;
  return tokens
    .map((token, id) => ({ token, id, kind: kinds[id] ?? NaN }))
    .filter(({ kind }) => kind === TOKEN_KIND.userDefined || isSpecial(kind))
    .toSorted((a, b) => byteLength(b.token) - byteLength(a.token));
}

/** The longest token over the whole text, then the next longest over what is left; none of the parts is empty. */
function splitWholeTokens(whole: readonly WholeToken[], text: string, parseSpecial: boolean): (string | number)[] {
  let parts: (string | number)[] = [text];
  for (const { token, id, kind } of whole) {
    if (isSpecial(kind) && !parseSpecial) continue;
    if (!text.includes(token)) continue;
    parts = parts.flatMap((part) =>
      typeof part === 'number' ? [part] : part.split(token).flatMap((piece, i) => (i === 0 ? [piece] : [id, piece])),
    );
  }
  return parts.filter((part) => part !== '');
}

function isSpecial(kind: number | undefined): boolean {
  return kind === TOKEN_KIND.control || kind === TOKEN_KIND.unknown;
}

/** Of the pairs of neighbours, the one of the lowest rank; of equals the leftmost. null when none has a rank. */
function bestPair(
  pieces: readonly string[],
  rankOf: (left: string, right: string) => number | undefined,
): number | null {
  let best: { at: number; rank: number } | null = null;
  for (let at = 0; at + 1 < pieces.length; at++) {
    const rank = rankOf(pieces[at] ?? '', pieces[at + 1] ?? '');
    if (rank !== undefined && (best === null || rank < best.rank)) best = { at, rank };
  }
  return best === null ? null : best.at;
}

function mergeAll(
  characters: readonly string[],
  rankOf: (left: string, right: string) => number | undefined,
): string[] {
  const pieces = [...characters];
  for (let at = bestPair(pieces, rankOf); at !== null; at = bestPair(pieces, rankOf)) {
    pieces.splice(at, 2, (pieces[at] ?? '') + (pieces[at + 1] ?? ''));
  }
  return pieces;
}

function textIds({ tokens, kinds }: SlowVocabulary): Map<string, number> {
  return new Map([...tokens.entries()].filter(([id]) => !isSpecial(kinds[id])).map(([id, token]) => [token, id]));
}

function slowBpe(vocabulary: SlowVocabulary, unassigned: CodePointRanges): (text: string) => number[] {
  const ids = textIds(vocabulary);
  const ranks = new Map(vocabulary.merges.map(([left, right], rank) => [`${left} ${right}`, rank]));
  const cut = CUTTERS[vocabulary.pre];
  if (cut === undefined) throw new Error(`the slow tokenizer knows no cut "${vocabulary.pre}"`);
  const ignoresMerges = vocabulary.pre === 'llama-bpe';
  const isUnassigned = (character: string): boolean => {
    const codePoint = character.codePointAt(0) ?? NaN;
    return unassigned.some(([first, last]) => codePoint >= first && codePoint <= last);
  };
  return (text) => {
    const characters = Array.from(text);
    // What is no character yet is cut as one that never will be.
    const words = cut(characters.map((character) => (isUnassigned(character) ? NEVER_ASSIGNED : character)));
    let start = 0;
    return words.flatMap((shape) => {
      const word = characters.slice(start, start + shape.length).join('');
      start += shape.length;
      const spelling = Array.from(new TextEncoder().encode(word), (byte) => BYTE_SPELLINGS[byte] ?? '');
      const whole = ignoresMerges ? ids.get(spelling.join('')) : undefined;
      if (whole !== undefined) return [whole];
      const pieces = mergeAll(spelling, (left, right) => ranks.get(`${left} ${right}`));
      return pieces.map((piece) => ids.get(piece) ?? NO_TOKEN);
    });
  };
}

const NEVER_ASSIGNED = '\uffff';

function slowSentencePiece(vocabulary: SlowVocabulary): (text: string) => number[] {
  const ids = textIds(vocabulary);
  // A byte token is spelled like text and is none.
  const isText = (id: number | undefined): id is number => id !== undefined && vocabulary.kinds[id] !== TOKEN_KIND.byte;
  const rankOf = (left: string, right: string): number | undefined => {
    const id = ids.get(left + right);
    return isText(id) ? -(vocabulary.scores[id] ?? NaN) : undefined;
  };
  const firstByte = vocabulary.tokens.indexOf('<0x00>');
  const prefix = vocabulary.hasSpacePrefix ? '▁' : '';
  return (text) =>
    mergeAll(Array.from(prefix + text.replaceAll(' ', '▁')), rankOf).flatMap((piece) => {
      const id = ids.get(piece);
      return isText(id) ? [id] : Array.from(new TextEncoder().encode(piece), (byte) => firstByte + byte);
    });
}

type Characters = readonly string[];

/** General categories and white space, of one character; the tables are the runtime's own. */
const isLetter = (c: string | undefined): boolean => c !== undefined && /^\p{L}$/u.test(c);
const isNumber = (c: string | undefined): boolean => c !== undefined && /^\p{N}$/u.test(c);
const isSpace = (c: string | undefined): boolean => c !== undefined && /^\p{White_Space}$/u.test(c);
const isNewline = (c: string | undefined): boolean => c === '\n' || c === '\r';
const isSymbol = (c: string | undefined): boolean => c !== undefined && !isLetter(c) && !isNumber(c) && !isSpace(c);

/** The end of the run of characters from `start` on that `test` accepts. */
function runEnd(text: Characters, start: number, test: (c: string | undefined) => boolean): number {
  let end = start;
  while (end < text.length && test(text[end])) end += 1;
  return end;
}

/** The end of an apostrophe and the letters of an English contraction, or `start`. */
function contractionEnd(text: Characters, start: number, ignoreCase: boolean): number {
  if (text[start] !== "'") return start;
  for (const letters of ['s', 't', 're', 've', 'm', 'll', 'd']) {
    const found = text.slice(start + 1, start + 1 + letters.length).join('');
    // ASCII only: no other letter is the capital of one of these.
    const folded = ignoreCase ? found.replaceAll(/[A-Z]/g, (c) => c.toLowerCase()) : found;
    if (folded === letters) return start + 1 + letters.length;
  }
  return start;
}

/** Spaces before a word leave the last one to the word. */
function spacesEnd(text: Characters, start: number): number {
  const end = runEnd(text, start, isSpace);
  return end < text.length && end - start > 1 ? end - 1 : end;
}

/** GPT-2: contractions; one space and letters, digits or symbols; spaces. */
function gpt2Word(text: Characters, start: number): number {
  const contraction = contractionEnd(text, start, false);
  if (contraction > start) return contraction;
  const first = text[start] === ' ' ? start + 1 : start;
  for (const test of [isLetter, isNumber, isSymbol]) {
    const end = runEnd(text, first, test);
    if (end > first) return end;
  }
  return spacesEnd(text, start);
}

/** Llama 3 and Qwen2: any one symbol or space may lead letters; digits in threes or singly; line ends stay together. */
function llama3Word(text: Characters, start: number, maxDigits: number): number {
  const contraction = contractionEnd(text, start, true);
  if (contraction > start) return contraction;
  const c = text[start];
  const letters = isLetter(c) || isNumber(c) || isNewline(c) ? start : start + 1;
  const lettersEnd = runEnd(text, letters, isLetter);
  if (lettersEnd > letters) return lettersEnd;
  if (isNumber(c)) return Math.min(runEnd(text, start, isNumber), start + maxDigits);
  const symbols = c === ' ' ? start + 1 : start;
  const symbolsEnd = runEnd(text, symbols, isSymbol);
  if (symbolsEnd > symbols) return runEnd(text, symbolsEnd, isNewline);
  const lastNewline = text.slice(start, runEnd(text, start, isSpace)).findLastIndex(isNewline);
  return lastNewline === -1 ? spacesEnd(text, start) : start + lastNewline + 1;
}

function cutWords(text: Characters, wordEnd: (text: Characters, start: number) => number): string[][] {
  const words: string[][] = [];
  for (let start = 0; start < text.length;) {
    const end = wordEnd(text, start);
    words.push(text.slice(start, end));
    start = end;
  }
  return words;
}

/** Each number alone, and between them the text, cut as if there were nothing around it. */
function cutAroundNumbers(text: Characters): string[][] {
  const stretches = cutWords(text, (all, start) =>
    isNumber(all[start]) ? start + 1 : runEnd(all, start, (c) => !isNumber(c)),
  );
  return stretches.flatMap((stretch) => (isNumber(stretch[0]) ? [stretch] : cutWords(stretch, gpt2Word)));
}

const CUTTERS: Readonly<Record<string, (text: Characters) => string[][]>> = {
  'gpt-2': (text) => cutWords(text, gpt2Word),
  smollm: cutAroundNumbers,
  qwen2: (text) => cutWords(text, (all, start) => llama3Word(all, start, 1)),
  'llama-bpe': (text) => cutWords(text, (all, start) => llama3Word(all, start, 3)),
};
