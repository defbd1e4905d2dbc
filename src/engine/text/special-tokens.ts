// Finds whole tokens in a text before anything is merged: control tokens where they are asked for, user-defined
// tokens always. The order is llama.cpp's: the longest token first, over the whole text, then the next. (The tokenizer
// library takes the leftmost instead, so "abcd" with the tokens "ab" and "bcd" comes out otherwise.)
import { TOKEN_TYPE, type Vocabulary } from './vocabulary.ts';

interface SpecialToken {
  id: number;
  spelling: string;
  isControl: boolean;
  /** Its place in the order of search. */
  rank: number;
}

export class SpecialTokens {
  readonly #start: Branch = newBranch();

  constructor({ tokens, types }: Vocabulary) {
    const found: Omit<SpecialToken, 'rank'>[] = [];
    for (const [id, spelling] of tokens.entries()) {
      const isControl = types[id] === TOKEN_TYPE.control || types[id] === TOKEN_TYPE.unknown;
      if (spelling === '' || (!isControl && types[id] !== TOKEN_TYPE.userDefined)) continue;
      found.push({ id, spelling, isControl });
    }
    const byteLengths = new Map(found.map(({ id, spelling }) => [id, new TextEncoder().encode(spelling).byteLength]));
    const lengthOf = ({ id }: { id: number }): number => byteLengths.get(id) ?? 0;
    found.sort((a, b) => lengthOf(b) - lengthOf(a) || a.id - b.id);
    for (const [rank, token] of found.entries()) plant(this.#start, { ...token, rank });
  }

  /** The text as ids of whole tokens and the stretches of text between them, none empty. */
  split(text: string, parseSpecial: boolean): (string | number)[] {
    let parts: (string | number)[] = text === '' ? [] : [text];
    for (const { id, spelling, isControl } of this.#occurringIn(text)) {
      if (isControl && !parseSpecial) continue;
      parts = parts.flatMap((part) => (typeof part === 'number' ? [part] : cut(part, spelling, id)));
    }
    return parts;
  }

  /** A vocabulary has up to thousands of whole tokens, a text few of them. */
  #occurringIn(text: string): SpecialToken[] {
    const occurring = new Set<SpecialToken>();
    for (let start = 0; start < text.length; start += 1) {
      let branch = this.#start.next.get(text.charCodeAt(start));
      for (let at = start + 1; branch !== undefined; at += 1) {
        if (branch.token !== null) occurring.add(branch.token);
        branch = branch.next.get(text.charCodeAt(at));
      }
    }
    return [...occurring].toSorted((a, b) => a.rank - b.rank);
  }
}

/** What spellings have in common so far, and by which UTF-16 unit they go on. */
interface Branch {
  next: Map<number, Branch>;
  token: SpecialToken | null;
}

function newBranch(): Branch {
  return { next: new Map(), token: null };
}

function plant(start: Branch, token: SpecialToken): void {
  let branch = start;
  for (let at = 0; at < token.spelling.length; at += 1) {
    const unit = token.spelling.charCodeAt(at);
    const next = branch.next.get(unit) ?? newBranch();
    branch.next.set(unit, next);
    branch = next;
  }
  branch.token = token;
}

function cut(text: string, spelling: string, id: number): (string | number)[] {
  const pieces = text.split(spelling);
  return pieces.flatMap((piece, i) => [...(i === 0 ? [] : [id]), ...(piece === '' ? [] : [piece])]);
}
