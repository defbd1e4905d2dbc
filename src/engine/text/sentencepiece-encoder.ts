// Text to the ids of a SentencePiece vocabulary. It has no merges of its own: two neighbours merge where their joint
// spelling is a token, the token of the highest score first, the leftmost of equals. Only what is written in the text is
// looked up, so there is nothing to build: the tokenizer library wants every possible merge in a list, which takes
// seconds for 262,144 tokens.
import { escapedByte } from '../formats/byte-text.ts';
import { UnencodableCharacter } from './unencodable.ts';
import { spellingOfByte, type Vocabulary } from './vocabulary.ts';

/**
 * An encoder of text that holds no whole tokens. As in llama.cpp a merge may end in any token, also one that marks
 * control or a byte; characters without tokens become the unknown token, neighbours one, as in SentencePiece itself.
 *
 * @throws UnencodableCharacter
 */
export function sentencePieceEncoder({
  idOf,
  scores,
  unknownId,
  hasSpacePrefix,
}: Vocabulary): (text: string) => number[] {
  const scoreOf = (spelling: string): number | null => {
    const id = idOf.get(spelling);
    return id === undefined ? null : (scores[id] ?? 0);
  };
  const byteId = (byte: number): number | undefined => idOf.get(spellingOfByte(byte)) ?? idOf.get(escapedByte(byte));
  /** A character that is no token: its bytes, where each of them is one. */
  const spellOut = (character: string): number[] | null => {
    const bytes = Array.from(new TextEncoder().encode(character), byteId);
    const isWhole = (ids: (number | undefined)[]): ids is number[] => !ids.includes(undefined);
    return isWhole(bytes) ? bytes : null;
  };
  const prefix = hasSpacePrefix ? '▁' : '';
  return (text) => {
    const ids: number[] = [];
    let at = -prefix.length;
    let isAfterUnknown = false;
    for (const piece of mergePieces(prefix + text.replaceAll(' ', '▁'), scoreOf)) {
      const id = idOf.get(piece);
      const found = id === undefined ? spellOut(piece) : [id];
      if (found === null && unknownId === null) throw new UnencodableCharacter(at);
      if (found !== null) ids.push(...found);
      else if (!isAfterUnknown && unknownId !== null) ids.push(unknownId);
      isAfterUnknown = found === null;
      at += piece.length;
    }
    return ids;
  };
}

/** A stretch of the text. */
interface Piece {
  start: number;
  end: number;
  previous: Piece | null;
  next: Piece | null;
}

/** Two neighbours that can merge, as they were when this was found. */
interface Pair {
  left: Piece;
  right: Piece;
  start: number;
  end: number;
  score: number;
}

/** @param scoreOf of a token; null for what is none */
function mergePieces(text: string, scoreOf: (spelling: string) => number | null): string[] {
  const queue = new PairQueue();
  const offer = (left: Piece | null, right: Piece | null): void => {
    if (left === null || right === null) return;
    const score = scoreOf(text.slice(left.start, right.end));
    if (score !== null) queue.push({ left, right, start: left.start, end: right.end, score });
  };
  const first = charactersOf(text);
  for (let piece = first; piece !== null; piece = piece.next) offer(piece, piece.next);
  for (let pair = queue.pop(); pair !== null; pair = queue.pop()) {
    const { left, right, end } = pair;
    // One of the two has merged with its other neighbour since.
    if (left.next !== right || right.end !== end) continue;
    left.end = end;
    left.next = right.next;
    if (right.next !== null) right.next.previous = left;
    right.next = null;
    offer(left.previous, left);
    offer(left, left.next);
  }
  const spellings: string[] = [];
  for (let piece = first; piece !== null; piece = piece.next) spellings.push(text.slice(piece.start, piece.end));
  return spellings;
}

/** The first of a chain. */
function charactersOf(text: string): Piece | null {
  let [first, last]: [Piece | null, Piece | null] = [null, null];
  let start = 0;
  for (const { length } of text) {
    const piece: Piece = { start, end: start + length, previous: last, next: null };
    if (last !== null) last.next = piece;
    first ??= piece;
    last = piece;
    start += length;
  }
  return first;
}

/** A binary heap. */
class PairQueue {
  readonly #heap: Pair[] = [];

  push(pair: Pair): void {
    let at = this.#heap.length;
    while (at > 0) {
      const above = Math.floor((at - 1) / 2);
      const parent = this.#heap[above];
      if (parent === undefined || !goesBefore(pair, parent)) break;
      this.#heap[at] = parent;
      at = above;
    }
    this.#heap[at] = pair;
  }

  pop(): Pair | null {
    const [best] = this.#heap;
    const last = this.#heap.pop();
    if (best === undefined || last === undefined || best === last) return best ?? null;
    let at = 0;
    for (;;) {
      const [a, b] = [this.#heap[2 * at + 1], this.#heap[2 * at + 2]];
      const child = a !== undefined && b !== undefined && goesBefore(b, a) ? b : a;
      if (child === undefined || !goesBefore(child, last)) break;
      this.#heap[at] = child;
      at = 2 * at + (child === a ? 1 : 2);
    }
    this.#heap[at] = last;
    return best;
  }
}

function goesBefore(a: Pair, b: Pair): boolean {
  return a.score === b.score ? a.start < b.start : a.score > b.score;
}
