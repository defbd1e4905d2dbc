// Byte pair encoding of a tokenizer.json: a word's characters, then the merge of lowest rank, the leftmost of equals,
// until none is left.
import { spellingOfByte } from '../vocabulary.ts';
import { unencodable, type ModelVocabulary, type Tokenize } from './model-types.ts';
import type { Part } from './part.ts';

/** Words that come back, with their ids. */
const CACHED_WORDS = 10_000;
const CACHED_LENGTH = 64;
/** Ids are below it; a pair of them is one number. */
const PAIR = 2 ** 26;
/** Positions in a word are below it. */
const POSITIONS = 2 ** 28;

/** The first has the lowest rank. */
export class Merges {
  /** Rank of a pair of ids, `left * PAIR + right`. */
  readonly rankOf: Map<number, number> = new Map();
  /** What a merge makes, by its rank. */
  readonly made: number[] = [];

  /** A pair that is added again has its last place. */
  add(left: number, right: number, made: number): void {
    this.rankOf.set(left * PAIR + right, this.made.length);
    this.made.push(made);
  }
}

/** Words that come back are merged once. @param symbolsOf ids of a word's characters */
export function mergeWords(symbolsOf: (word: string) => number[], merges: Merges): Tokenize {
  const cache = new Map<string, readonly number[]>();
  return (word) => {
    const known = cache.get(word);
    if (known !== undefined) return known;
    const ids = merge(symbolsOf(word), merges);
    if (word.length <= CACHED_LENGTH && cache.size < CACHED_WORDS) cache.set(word, ids);
    return ids;
  };
}

/** @throws RefuteError E_TOKENIZER_JSON */
export function readBpe(part: Part, vocabulary: ModelVocabulary): Tokenize {
  if (!part.isNull('dropout') && part.get('dropout') !== 0) {
    throw part.keyError('dropout', 'merges that are left out at random have no one answer; null or 0');
  }
  const optional = (key: string): string | null => (part.isNull(key) ? null : part.string(key));
  const prefix = optional('continuing_subword_prefix') ?? '';
  const suffix = optional('end_of_word_suffix') ?? '';
  const unknown = optional('unk_token');
  const flag = (key: string): boolean => !part.isNull(key) && part.flag(key);
  const [fusesUnknown, fallsBack, ignoresMerges] = [flag('fuse_unk'), flag('byte_fallback'), flag('ignore_merges')];
  const merges = readMerges(part, vocabulary, prefix);
  const byteIds = Array.from({ length: 256 }, (_, byte) => vocabulary.get(spellingOfByte(byte)));
  const mergeWord = mergeWords(symbols, merges);

  return (word) => {
    const whole = ignoresMerges ? vocabulary.get(word) : undefined;
    return whole === undefined ? mergeWord(word) : [whole];
  };

  function symbols(word: string): number[] {
    const ids: number[] = [];
    // An unknown character waits for the next known one, so bytes that come between go first.
    let waiting: number | null = null;
    let at = 0;
    for (const character of word) {
      const isFirst = at === 0;
      at += character.length;
      const spelling = (isFirst ? '' : prefix) + character + (at === word.length ? suffix : '');
      const id = vocabulary.get(spelling);
      if (id !== undefined) {
        if (waiting !== null) ids.push(waiting);
        waiting = null;
        ids.push(id);
        continue;
      }
      const bytes = fallsBack ? bytesOf(spelling) : null;
      if (bytes !== null) {
        ids.push(...bytes);
        continue;
      }
      if (unknown === null) throw unencodable(character, 'it has no token and there is no unknown token');
      const unknownId = vocabulary.get(unknown);
      if (unknownId === undefined) {
        throw unencodable(character, `the unknown token ${JSON.stringify(unknown)} is not in the vocabulary`);
      }
      if (waiting !== null && !fusesUnknown) ids.push(waiting);
      waiting = unknownId;
    }
    if (waiting !== null) ids.push(waiting);
    return ids;
  }

  function bytesOf(spelling: string): number[] | null {
    const ids: number[] = [];
    for (const byte of new TextEncoder().encode(spelling)) {
      const id = byteIds[byte];
      if (id === undefined) return null;
      ids.push(id);
    }
    return ids;
  }
}

function readMerges(part: Part, vocabulary: ModelVocabulary, prefix: string): Merges {
  const listed = part.get('merges');
  if (!Array.isArray(listed)) throw part.keyError('merges', 'a list is needed');
  const merges = new Merges();
  const idOf = (token: string, rank: number): number => {
    const id = vocabulary.get(token);
    if (id !== undefined) return id;
    throw part.error(`merge ${rank} needs ${JSON.stringify(token).slice(0, 60)}, which is not in the vocabulary`);
  };
  const isPairs = Array.isArray(listed[0]);
  for (const merge of listed as unknown[]) {
    if (!isPairs && typeof merge === 'string' && merge.startsWith('#version')) continue;
    const rank = merges.made.length;
    const [left, right] = pairOf(merge, isPairs) ?? [];
    if (left === undefined || right === undefined) {
      const is = `merge ${rank} is ${JSON.stringify(merge)?.slice(0, 60)}`;
      throw part.error(is, 'every merge is two tokens: ["a", "b"], or all of them "a b"');
    }
    merges.add(idOf(left, rank), idOf(right, rank), idOf(left + right.slice(prefix.length), rank));
  }
  return merges;
}

function pairOf(merge: unknown, isPairs: boolean): readonly string[] | null {
  if (!isPairs) {
    const parts = typeof merge === 'string' ? merge.split(' ') : [];
    return parts.length === 2 ? parts : null;
  }
  const isPair = Array.isArray(merge) && merge.length === 2 && merge.every((token) => typeof token === 'string');
  return isPair ? (merge as string[]) : null;
}

/** Merges in place. What waits is in a heap of `rank * POSITIONS + position`, the least first. */
function merge(ids: number[], { rankOf, made }: Merges): number[] {
  const count = ids.length;
  if (count < 2) return ids;
  const next = Int32Array.from({ length: count }, (_, i) => (i + 1 < count ? i + 1 : -1));
  const previous = Int32Array.from({ length: count }, (_, i) => i - 1);
  const heap: number[] = [];
  const rankAt = (left: number, right: number): number | undefined =>
    rankOf.get((ids[left] as number) * PAIR + (ids[right] as number));
  const offer = (left: number, right: number): void => {
    const rank = rankAt(left, right);
    if (rank !== undefined) push(heap, rank * POSITIONS + left);
  };
  for (let i = 0; i + 1 < count; i += 1) offer(i, i + 1);
  const isGone = new Uint8Array(count);
  while (heap.length > 0) {
    const top = pop(heap);
    const at = top % POSITIONS;
    const right = next[at] as number;
    if (isGone[at] === 1 || right === -1) continue;
    // The pair may have changed since; it still counts where it makes the same token.
    const rank = rankAt(at, right);
    const token = made[(top - at) / POSITIONS] as number;
    if (rank === undefined || made[rank] !== token) continue;
    ids[at] = token;
    isGone[right] = 1;
    const after = next[right] as number;
    next[at] = after;
    if (after !== -1) previous[after] = at;
    const before = previous[at] as number;
    if (before !== -1) offer(before, at);
    if (after !== -1) offer(at, after);
  }
  return ids.filter((_, i) => isGone[i] === 0);
}

function push(heap: number[], value: number): void {
  let at = heap.length;
  heap.push(value);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if ((heap[parent] as number) <= value) break;
    heap[at] = heap[parent] as number;
    at = parent;
  }
  heap[at] = value;
}

function pop(heap: number[]): number {
  const top = heap[0] as number;
  const last = heap.pop() as number;
  const count = heap.length;
  if (count === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= count) break;
    if (child + 1 < count && (heap[child + 1] as number) < (heap[child] as number)) child += 1;
    if ((heap[child] as number) >= last) break;
    heap[at] = heap[child] as number;
    at = child;
  }
  heap[at] = last;
  return top;
}
