// Finds whole tokens in a text before anything is merged: control tokens where they are asked for, user-defined
// tokens always. The order is llama.cpp's: the longest token first, over the whole text, then the next. (The tokenizer
// library takes the leftmost instead, so "abcd" with the tokens "ab" and "bcd" comes out otherwise.) A few tokens take
// the white space beside them; GGUF has no key for that, llama.cpp goes by the model's name.
import { RefuteError } from '../../errors.ts';
import { bytesOfText } from '../formats/byte-text.ts';
import { TOKEN_TYPE, type Vocabulary } from './vocabulary.ts';

interface SpecialToken {
  id: number;
  spelling: string;
  isControl: boolean;
  /** Its place in the order of search. */
  rank: number;
}

/** Part of a text without whole tokens, and where it starts. */
export interface Stretch {
  text: string;
  offset: number;
}

/** White space as C's `isspace` has it. */
const SPACES_BEFORE = /[ \t-\r]+$/;
const SPACES_AFTER = /^[ \t-\r]+/;

export class SpecialTokens {
  readonly #start: Branch = newBranch();
  readonly #broken: { id: number; bytes: Uint8Array; isControl: boolean }[] = [];
  readonly #stripsBefore: ReadonlySet<string>;
  readonly #stripsAfter: (spelling: string) => boolean;

  constructor({ tokens, types, modelName, preTokenizer }: Vocabulary) {
    const found: Omit<SpecialToken, 'rank'>[] = [];
    for (const [id, spelling] of tokens.entries()) {
      const isControl = types[id] === TOKEN_TYPE.control || types[id] === TOKEN_TYPE.unknown;
      if (spelling === '' || (!isControl && types[id] !== TOKEN_TYPE.userDefined)) continue;
      if (spelling.isWellFormed()) found.push({ id, spelling, isControl });
      else this.#broken.push({ id, bytes: bytesOfText(spelling), isControl });
    }
    const byteLengths = new Map(found.map(({ id, spelling }) => [id, new TextEncoder().encode(spelling).byteLength]));
    const lengthOf = ({ id }: { id: number }): number => byteLengths.get(id) ?? 0;
    found.sort((a, b) => lengthOf(b) - lengthOf(a) || a.id - b.id);
    for (const [rank, token] of found.entries()) plant(this.#start, { ...token, rank });
    const isPhi3 = modelName.includes('phi-3') || modelName.includes('phi3');
    this.#stripsAfter = (spelling) => isPhi3 && !KEEP_SPACES_AFTER.has(spelling);
    this.#stripsBefore = new Set([
      ...(preTokenizer?.masksTakeSpace === true ? ['<mask>'] : []),
      ...(modelName.includes('modern-bert') && !isPhi3 ? ['[MASK]'] : []),
    ]);
  }

  /** The text as ids of whole tokens and the stretches of text between them, none empty. */
  split(text: string, parseSpecial: boolean): (Stretch | number)[] {
    this.#assertWhole(text, parseSpecial);
    let parts: (Stretch | number)[] = text === '' ? [] : [{ text, offset: 0 }];
    for (const { id, spelling, isControl } of this.#occurringIn(text)) {
      if (isControl && !parseSpecial) continue;
      parts = parts.flatMap((part) => (typeof part === 'number' ? [part] : this.#cut(part, spelling, id)));
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

  #cut({ text, offset }: Stretch, spelling: string, id: number): (Stretch | number)[] {
    const parts: (Stretch | number)[] = [];
    const add = (from: number, to: number): void => {
      if (to > from) parts.push({ text: text.slice(from, to), offset: offset + from });
    };
    let from = 0;
    for (let at = text.indexOf(spelling); at !== -1; at = text.indexOf(spelling, from)) {
      const before = this.#stripsBefore.has(spelling) ? (SPACES_BEFORE.exec(text.slice(from, at))?.[0].length ?? 0) : 0;
      add(from, at - before);
      parts.push(id);
      from = at + spelling.length;
      if (this.#stripsAfter(spelling)) from += SPACES_AFTER.exec(text.slice(from))?.[0].length ?? 0;
    }
    add(from, text.length);
    return parts;
  }

  /** A whole token of half a character would cut the other half off, which is no text. */
  #assertWhole(text: string, parseSpecial: boolean): void {
    if (this.#broken.length === 0) return;
    const bytes = Array.from(bytesOfText(text)).join(' ');
    for (const { id, bytes: spelling, isControl } of this.#broken) {
      if ((isControl && !parseSpecial) || !` ${bytes} `.includes(` ${spelling.join(' ')} `)) continue;
      const is = `it holds the bytes of token ${id}, which are not UTF-8`;
      const next = 'Give the prompt as ids: --tokens 1,5,9';
      throw new RefuteError({
        code: 'E_TEXT_SPLIT',
        place: 'text',
        is,
        allowed: 'a whole token is whole characters',
        next,
      });
    }
  }
}

/** Of a Phi-3 vocabulary; every other whole token takes the white space after it. */
const KEEP_SPACES_AFTER: ReadonlySet<string> = new Set(['<unk>', '<s>', '<|endoftext|>']);

/** What spellings have in common so far, and by which UTF-16 unit they go on. */
interface Branch {
  next: Map<number, Branch>;
  token: SpecialToken | null;
}

function newBranch(): Branch {
  return { next: new Map(), token: null };
}

/** Of tokens that are spelled alike, the first stays. */
function plant(start: Branch, token: SpecialToken): void {
  let branch = start;
  for (let at = 0; at < token.spelling.length; at += 1) {
    const unit = token.spelling.charCodeAt(at);
    const next = branch.next.get(unit) ?? newBranch();
    branch.next.set(unit, next);
    branch = next;
  }
  branch.token ??= token;
}
