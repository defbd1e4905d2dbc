// Whole tokens of a tokenizer.json: cut out of a text before it is normalized, or after, the leftmost first and of those
// the longest.
import type { Part } from './part.ts';
import { slice, type Piece } from './piece.ts';
import type { Normalize } from './normalizers.ts';
import { isWhitespace, isWordCharacter } from './unicode.ts';

export interface AddedToken {
  id: number;
  content: string;
  isSpecial: boolean;
  isSingleWord: boolean;
  /** Takes the spaces before it, or behind it. */
  stripsLeft: boolean;
  stripsRight: boolean;
  /** Is looked for in the normalized text, and normalized itself. */
  isNormalized: boolean;
  /** What the file says its id is; its own id where it says none. */
  statedId: number;
}

/**
 * Ids are the model's where it has the token; others follow the model's vocabulary in their order, whatever the file
 * says, as the library numbers them.
 *
 * @throws RefuteError E_TOKENIZER_JSON
 */
export function readAddedTokens(parts: readonly Part[], idOf: ReadonlyMap<string, number>): AddedToken[] {
  const byContent = new Map<string, AddedToken>();
  let nextId = idOf.size;
  for (const part of parts) {
    const content = part.string('content');
    const rest = {
      isSpecial: part.flag('special'),
      isSingleWord: part.flag('single_word'),
      stripsLeft: part.flag('lstrip'),
      stripsRight: part.flag('rstrip'),
      isNormalized: part.flag('normalized'),
    };
    if (content === '') continue;
    const id = byContent.get(content)?.id ?? idOf.get(content) ?? nextId++;
    byContent.set(content, { id, content, statedId: part.isNull('id') ? id : part.count('id'), ...rest });
  }
  return [...byContent.values()];
}

export class AddedTokens {
  readonly #start: Branch = { next: new Map(), token: null };
  readonly #isEmpty: boolean;

  /** @param spellingOf what is looked for; two tokens that come to the same are refused */
  constructor(tokens: readonly AddedToken[], spellingOf: (token: AddedToken) => string, refuse: (is: string) => Error) {
    this.#isEmpty = tokens.length === 0;
    for (const token of tokens) {
      let branch = this.#start;
      for (const unit of spellingOf(token)) {
        let next = branch.next.get(unit);
        if (next === undefined) branch.next.set(unit, (next = { next: new Map(), token: null }));
        branch = next;
      }
      if (branch === this.#start) throw refuse(`${JSON.stringify(token.content)} is normalized to nothing`);
      if (branch.token !== null) {
        const [a, b] = [branch.token.content, token.content].map((content) => JSON.stringify(content));
        throw refuse(`${a} and ${b} are normalized to the same`);
      }
      branch.token = token;
    }
  }

  /** @param parsesSpecial without it the spelling of a special token is text, and hides what is within */
  cut(piece: Piece, parsesSpecial: boolean, refuse: (is: string) => Error): (Piece | number)[] {
    if (this.#isEmpty) return piece.text === '' ? [] : [piece];
    const { text } = piece;
    const parts: (Piece | number)[] = [];
    let end = 0;
    for (let at = 0; at < text.length;) {
      const token = this.#longestAt(text, at);
      if (token === null) {
        at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
        continue;
      }
      let [start, stop] = [at, at + token.length];
      at = stop;
      const { isSpecial, isSingleWord, stripsLeft, stripsRight, id, content } = token.token;
      if (isSpecial && !parsesSpecial) continue;
      if (isSingleWord && (isWordCharacter(lastBefore(text, start)) || isWordCharacter(firstFrom(text, stop))))
        continue;
      if (stripsLeft) {
        while (start > end && isWhitespace(text[start - 1] ?? '')) start -= 1;
        start = Math.max(start, end);
      }
      if (stripsRight) while (isWhitespace(text[stop] ?? '')) stop += 1;
      if (start > stop) throw refuse(`${JSON.stringify(content)} begins with spaces that the token before it takes`);
      if (end < start) parts.push(slice(piece, end, start));
      // One whose spaces are all taken already is not there.
      if (start < stop) parts.push(id);
      end = stop;
    }
    if (end < text.length) parts.push(slice(piece, end, text.length));
    return parts;
  }

  #longestAt(text: string, start: number): { token: AddedToken; length: number } | null {
    let found: { token: AddedToken; length: number } | null = null;
    let branch: Branch | undefined = this.#start;
    for (let at = start; ;) {
      const unit: string = firstFrom(text, at);
      branch = unit === '' ? undefined : branch.next.get(unit);
      if (branch === undefined) return found;
      at += unit.length;
      if (branch.token !== null) found = { token: branch.token, length: at - start };
    }
  }
}

interface Branch {
  next: Map<string, Branch>;
  token: AddedToken | null;
}

function firstFrom(text: string, at: number): string {
  const code = text.codePointAt(at);
  return code === undefined ? '' : String.fromCodePoint(code);
}

function lastBefore(text: string, at: number): string {
  return Array.from(text.slice(Math.max(0, at - 2), at)).at(-1) ?? '';
}

/** The text in pieces: whole tokens as ids, the rest normalized. */
export function cutAddedTokens(
  text: string,
  of: {
    before: AddedTokens;
    after: AddedTokens;
    normalize: Normalize;
    parsesSpecial: boolean;
    refuse: (is: string) => Error;
  },
): (Piece | number)[] {
  const { before, after, normalize, parsesSpecial, refuse } = of;
  const [first = ''] = text;
  const whole: Piece = { text, isFirst: true, firstLength: first.length };
  return before.cut(whole, parsesSpecial, refuse).flatMap((part) => {
    if (typeof part === 'number') return [part];
    return after.cut(resliced(normalize(part)), parsesSpecial, refuse);
  });
}

/** A normalized piece starts where its first character came from. */
function resliced(piece: Piece): Piece {
  return { ...piece, isFirst: piece.firstLength > 0 };
}
