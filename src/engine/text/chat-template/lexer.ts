// A template's source as text and tags, cut as Jinja2's lexer cuts it with `trim_blocks` and `lstrip_blocks`. The
// library's own lexer strips by patterns over the whole source, text and strings included, and knows no `raw`.
import { INTERNAL, type Token } from './syntax.ts';
import { SPACE, strip } from './unicode.ts';
import { notFollowed, raise } from './values.ts';

export type Part = { kind: 'text'; text: string } | { kind: 'expression' | 'statement'; tokens: Token[]; line: number };

const OPENING = /\{[%{#]/g;
const RAW = new RegExp(`\\{%([-+]?)[${SPACE}]*raw[${SPACE}]*(?:-%\\}[${SPACE}]*|%\\})`, 'y');
const RAW_END = new RegExp(`\\{%([-+]?)[${SPACE}]*endraw[${SPACE}]*(?:\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?)`, 'g');
const COMMENT_END = new RegExp(`\\+#\\}|-#\\}[${SPACE}]*|#\\}\\n?`, 'g');
const STATEMENT_END = new RegExp(`\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?`, 'y');
const EXPRESSION_END = new RegExp(`-\\}\\}[${SPACE}]*|\\}\\}`, 'y');
const WHITE_LINE = new RegExp(`^[${SPACE}]+$`);

export function lex(template: string): Part[] {
  const lexer = new Lexer(template.replaceAll(/\r\n?/g, '\n').replace(/\n$/, ''));
  return lexer.run();
}

class Lexer {
  readonly #source: string;
  readonly #parts: Part[] = [];
  #at = 0;
  /** The line that a place before the current one is in. */
  #lines = 1;
  #counted = 0;
  /** Whether what was read last ends a line: what may be stripped before a tag looks at it. */
  #isLineStart = true;

  constructor(source: string) {
    this.#source = source;
  }

  run(): Part[] {
    for (let found = this.#search(OPENING); found !== null; found = this.#search(OPENING)) {
      const before = this.#source.slice(this.#at, found.index);
      this.#at = found.index;
      const raw = this.#search(RAW);
      if (raw !== null) {
        this.#addText(this.#stripped(before, raw[1] ?? '', true));
        this.#passed(raw);
        this.#raw();
        continue;
      }
      const sign = /[-+]/.exec(this.#source.charAt(this.#at + 2))?.[0] ?? '';
      this.#at += 2 + sign.length;
      this.#addText(this.#stripped(before, sign, found[0] !== '{{'));
      if (found[0] === '{#') this.#comment();
      else this.#tag(found[0] === '{{' ? 'expression' : 'statement');
    }
    this.#addText(this.#source.slice(this.#at));
    return this.#parts;
  }

  #search(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#source);
  }

  /** A sticky pattern at this place; moves behind it. */
  #match(pattern: RegExp): RegExpExecArray | null {
    const found = this.#search(pattern);
    if (found !== null) this.#passed(found);
    return found;
  }

  #passed(found: RegExpExecArray): void {
    this.#at = found.index + found[0].length;
    this.#isLineStart = found[0].endsWith('\n');
  }

  #stripped(text: string, sign: string, isBlock: boolean): string {
    if (sign === '-') return strip(text, null, 'right');
    if (sign === '+' || !isBlock) return text;
    const line = text.lastIndexOf('\n') + 1;
    const isWholeLine = line > 0 || this.#isLineStart;
    return isWholeLine && WHITE_LINE.test(text.slice(line)) ? text.slice(0, line) : text;
  }

  #addText(text: string): void {
    if (text !== '') this.#parts.push({ kind: 'text', text });
  }

  #comment(): void {
    const end = this.#search(COMMENT_END);
    if (end === null) return this.#unfinished('Missing end of comment tag');
    this.#passed(end);
  }

  #raw(): void {
    const end = this.#search(RAW_END);
    if (end === null) return this.#unfinished('Missing end of raw directive');
    this.#addText(this.#stripped(this.#source.slice(this.#at, end.index), end[1] ?? '', true));
    this.#passed(end);
  }

  /** Where nothing at all follows, Jinja2 takes it. */
  #unfinished(message: string): void {
    if (this.#at < this.#source.length) this.#fail(message);
  }

  #tag(kind: 'expression' | 'statement'): void {
    const line = this.#line();
    const tokens: Token[] = [];
    const brackets: string[] = [];
    const end = kind === 'expression' ? EXPRESSION_END : STATEMENT_END;
    while (brackets.length > 0 || this.#match(end) === null) {
      if (this.#at >= this.#source.length) this.#fail('unexpected end of template');
      const token = this.#token(brackets);
      if (token !== null) tokens.push(token);
    }
    this.#parts.push({ kind, tokens, line });
  }

  /** Null for white space. */
  #token(brackets: string[]): Token | null {
    for (const [type, pattern] of RULES) {
      pattern.lastIndex = this.#at;
      const text = pattern.exec(this.#source)?.[0];
      if (text === undefined) continue;
      const depth = brackets.length;
      this.#at += text.length;
      switch (type) {
        case 'space':
          return null;
        case 'float':
          return { type: 'NumericLiteral', value: floatLiteral(text), depth };
        case 'integer':
          return integerLiteral(text, depth);
        case 'name':
          return { type: 'Identifier', value: this.#name(text), depth };
        case 'string':
          return { type: 'StringLiteral', value: this.#string(text.slice(1, -1)), depth };
        default:
          return this.#operator(text, brackets);
      }
    }
    return this.#fail(`unexpected char '${this.#source.charAt(this.#at)}'`);
  }

  #operator(text: string, brackets: string[]): Token {
    const type = OPERATORS.get(text) ?? this.#fail(`unexpected '${text}'`);
    const closing = CLOSING.get(text);
    if (closing !== undefined) {
      brackets.push(closing);
      if (brackets.length > MAX_BRACKETS) notFollowed(`more than ${MAX_BRACKETS} brackets within each other`);
    } else if (')]}'.includes(text) && brackets.pop() !== text) {
      this.#fail(`unexpected '${text}'`);
    }
    // A bracket has the depth of what stands around it.
    return { type, value: text, depth: brackets.length - (closing === undefined ? 0 : 1) };
  }

  #name(text: string): string {
    return /^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(text) ? text : this.#fail('Invalid character in identifier');
  }

  #string(text: string): string {
    const value = unescape(text) ?? this.#fail('an escape sequence that is not complete');
    return value.isWellFormed() ? value : notFollowed('half of a surrogate pair in a string');
  }

  #line(): number {
    for (; this.#counted < this.#at; this.#counted += 1) if (this.#source[this.#counted] === '\n') this.#lines += 1;
    return this.#lines;
  }

  #fail(message: string): never {
    return raise('TemplateSyntaxError', `${message}, line ${this.#line()}`);
  }
}

/** Jinja2's parser ends at 70. */
const MAX_BRACKETS = 100;

const DIGIT_GROUPS = '(?:[0-9]+_)*[0-9]+';
const RULES: readonly (readonly [string, RegExp])[] = [
  ['space', new RegExp(`[${SPACE}]+`, 'y')],
  [
    'float',
    new RegExp(`(?<!\\.)${DIGIT_GROUPS}(?:(?:\\.${DIGIT_GROUPS})?e[+-]?${DIGIT_GROUPS}|\\.${DIGIT_GROUPS})`, 'iy'),
  ],
  ['integer', /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy],
  ['name', /[\p{XID_Continue}\p{L}\p{N}_]+/uy],
  ['string', /'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"/sy],
  ['operator', /\/\/|\*\*|[=!<>]=|[-+*/%~[\](){}<>=.:|,]/y],
];

const CLOSING: ReadonlyMap<string, string> = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
]);

const OPERATORS: ReadonlyMap<string, string> = new Map([
  ['(', 'OpenParen'],
  [')', 'CloseParen'],
  ['[', 'OpenSquareBracket'],
  [']', 'CloseSquareBracket'],
  ['{', 'OpenCurlyBracket'],
  ['}', 'CloseCurlyBracket'],
  [',', 'Comma'],
  ['.', 'Dot'],
  [':', 'Colon'],
  ['|', 'Pipe'],
  ['=', 'Equals'],
  ...['+', '-', '~'].map((text): [string, string] => [text, 'AdditiveBinaryOperator']),
  ...['*', '/', '//', '%'].map((text): [string, string] => [text, 'MultiplicativeBinaryOperator']),
  ['**', 'ExponentiationBinaryOperator'],
  ...['==', '!=', '<', '>', '<=', '>='].map((text): [string, string] => [text, 'ComparisonBinaryOperator']),
]);

/** The parser takes a number with a point for a float, and one without for an integer. */
function floatLiteral(text: string): string {
  const plain = text.replaceAll('_', '').toLowerCase();
  return plain.includes('.') ? plain : plain.replace('e', '.0e');
}

/** The parser makes a number of it, which holds no integer beyond 2^53. */
function integerLiteral(text: string, depth: number): Token {
  const value = BigInt(text.replaceAll('_', ''));
  return value > BigInt(Number.MAX_SAFE_INTEGER)
    ? { type: 'Identifier', value: `${INTERNAL.integer}${value}`, depth }
    : { type: 'NumericLiteral', value: String(value), depth };
}

const SIMPLE: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Python's `unicode-escape`; one it does not know stays as it is. Null where it would raise. */
function unescape(text: string): string | null {
  let isBroken = false;
  // Jinja2 writes what is not ASCII as an escape first, so a backslash before it makes that escape text.
  const value = text.replaceAll(
    /\\(?:([0-7]{1,3})|x([\da-fA-F]{0,2})|u([\da-fA-F]{0,4})|U([\da-fA-F]{0,8})|(N)|(\P{ASCII})|(.))/gsu,
    (whole, octal?: string, x?: string, u?: string, wide?: string, named?: string, other?: string, simple?: string) => {
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      if (named !== undefined) return notFollowed(String.raw`\N{…} in a string`);
      if (other !== undefined) return asciiEscape(other);
      const digits = x ?? u ?? wide;
      if (digits === undefined) return SIMPLE[simple ?? ''] ?? whole;
      const code = Number.parseInt(digits, 16);
      isBroken ||= digits.length < (wide !== undefined ? 8 : u !== undefined ? 4 : 2) || code > 0x10_ffff;
      return isBroken ? '' : String.fromCodePoint(code);
    },
  );
  return isBroken ? null : value;
}

function asciiEscape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x1_0000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
}
