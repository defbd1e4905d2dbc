// Where the quick YAML reader stands in its text: characters, lines and indentation, quotes, duplicate keys. Block layout is
// in yaml-fast.ts, flow collections in yaml-fast-flow.ts.
import { MAX_DEPTH, MAX_NODES } from './limits.ts';
import type { DuplicateKey, YamlKey, YamlPair } from './yaml-node.ts';
import { unescapeDouble } from './yaml-scalars.ts';

/** Thrown, without a stack, to leave a text to the full reader. */
export const UNUSUAL: symbol = Symbol('unusual YAML');

export function giveUp(): never {
  // A symbol has no stack to build, which would cost more than the reading.
  throw UNUSUAL;
}

/** Character codes. */
export const NEWLINE = 10;
export const SPACE = 32;
export const DOUBLE_QUOTE = 34;
export const HASH = 35;
const SINGLE_QUOTE = 39;
export const COMMA = 44;
export const DASH = 45;
export const COLON = 58;
export const GREATER = 62;
export const QUESTION = 63;
export const OPEN_LIST = 91;
const BACKSLASH = 92;
export const CLOSE_LIST = 93;
export const OPEN_MAP = 123;
export const BAR = 124;
export const CLOSE_MAP = 125;

/** By character code, for ASCII: 1 where no plain scalar begins so, 2 where only when text follows directly. */
const NOT_PLAIN_START: Uint8Array = new Uint8Array(128);
for (const character of ',[]{}#&*!|>\'"%@`') NOT_PLAIN_START[character.charCodeAt(0)] = 1;
for (const character of '-?:') NOT_PLAIN_START[character.charCodeAt(0)] = 2;

/** Past this many keys a set finds duplicates faster than comparing. */
const SMALL_MAP = 12;

export class Cursor {
  readonly source: string;
  readonly length: number;
  readonly duplicates: DuplicateKey[] = [];
  at = 0;
  lineStart = 0;
  /** Column of the content at `at` after `toContent`; -1 at the end of the file. */
  indent = -1;
  isAfterComment = false;
  #nodeCount = 0;

  constructor(source: string) {
    this.source = source;
    this.length = source.length;
  }

  countNode(depth: number): void {
    this.#nodeCount += 1;
    if (depth > MAX_DEPTH || this.#nodeCount > MAX_NODES) giveUp();
  }

  code(): number {
    return this.source.charCodeAt(this.at);
  }

  isLineEnd(at: number): boolean {
    return at >= this.length || this.source.charCodeAt(at) === NEWLINE;
  }

  /** A space, a line break or the end. */
  isBlank(at: number): boolean {
    return this.source.charCodeAt(at) === SPACE || this.isLineEnd(at);
  }

  isDash(): boolean {
    return this.code() === DASH && this.isBlank(this.at + 1);
  }

  isQuote(): boolean {
    const code = this.code();
    return code === DOUBLE_QUOTE || code === SINGLE_QUOTE;
  }

  /** True when a plain scalar may begin here. */
  isPlainStart(): boolean {
    if (this.isLineEnd(this.at)) return false;
    const kind = NOT_PLAIN_START[this.code()] ?? 0;
    return kind === 0 || (kind === 2 && !this.isBlank(this.at + 1));
  }

  skipSpaces(): void {
    while (this.code() === SPACE) this.at += 1;
  }

  /** From the end of a value, or its comment, to the next content. `at` is at a comment, at spaces or at a line end. */
  endLine(): void {
    const isComment = this.code() === HASH;
    const newline = this.source.indexOf('\n', this.at);
    this.at = newline === -1 ? this.length : newline + 1;
    this.lineStart = this.at;
    this.toContent();
    this.isAfterComment ||= isComment;
  }

  /** From the start of a line to the first character that is neither space nor comment; sets `indent`. */
  toContent(): void {
    this.isAfterComment = false;
    for (;;) {
      this.skipSpaces();
      if (this.at >= this.length) {
        this.indent = -1;
        return;
      }
      const code = this.code();
      if (code !== NEWLINE && code !== HASH) {
        this.indent = this.at - this.lineStart;
        if (this.indent === 0) this.#refuseMarker();
        return;
      }
      if (code === HASH) {
        this.isAfterComment = true;
        const newline = this.source.indexOf('\n', this.at);
        this.at = newline === -1 ? this.length : newline;
        if (newline === -1) continue;
      }
      this.at += 1;
      this.lineStart = this.at;
    }
  }

  /** `---`, `...` and `%` at the margin begin or end documents. */
  #refuseMarker(): void {
    const three = this.source.slice(this.at, this.at + 3);
    if (three === '---' || three === '...' || three.startsWith('%')) giveUp();
  }

  /** Offset behind the closing quote, on the same line. */
  quoteEnd(start: number): number {
    const quote = this.source.charCodeAt(start);
    for (let at = start + 1; ; at += 1) {
      const code = this.source.charCodeAt(at);
      if (this.isLineEnd(at)) giveUp();
      if (code === BACKSLASH && quote === DOUBLE_QUOTE) {
        at += 1;
        if (this.isLineEnd(at)) giveUp();
      } else if (code === quote) {
        if (quote === DOUBLE_QUOTE || this.source.charCodeAt(at + 1) !== SINGLE_QUOTE) return at + 1;
        at += 1;
      }
    }
  }

  unquote(start: number, end: number): string {
    const inner = this.source.slice(start + 1, end - 1);
    if (this.source.charCodeAt(start) === SINGLE_QUOTE)
      return inner.includes("'") ? inner.replaceAll("''", "'") : inner;
    return inner.includes('\\') ? (unescapeDouble(inner) ?? giveUp()) : inner;
  }

  findDuplicates(pairs: readonly YamlPair[]): void {
    if (pairs.length <= SMALL_MAP && !hasEqualKeys(pairs)) return;
    const known = new Map<string, YamlKey>();
    for (const { key } of pairs) {
      const first = known.get(key.text);
      if (first === undefined) known.set(key.text, key);
      else this.duplicates.push({ first, second: key });
    }
  }
}

/** Compares every key with every other, which for a few is faster than a set. */
function hasEqualKeys(pairs: readonly YamlPair[]): boolean {
  for (let second = 1; second < pairs.length; second += 1) {
    const text = pairs[second]?.key.text;
    for (let first = 0; first < second; first += 1) {
      if (pairs[first]?.key.text === text) return true;
    }
  }
  return false;
}
