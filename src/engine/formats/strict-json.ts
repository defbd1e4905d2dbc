// JSON out of hostile files. JSON.parse takes the last of two equal keys in silence, rounds integers past 2^53, and
// builds whatever it is told to; here a key twice is an error, large integers stay exact, and depth and number of
// values have limits. Slower than JSON.parse: not for a tokenizer.json of 40 MB.
import { RefuteError } from '../../errors.ts';
import { quoted } from './quoted.ts';

/** Whole numbers are bigints where a number would round them. Objects are maps, because a key may be `__proto__`. */
export type JsonValue = null | boolean | number | bigint | string | readonly JsonValue[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonValue>;

export interface JsonOptions {
  /** For messages: the file, and the part of it that is JSON. */
  place: string;
  /** How deep objects and arrays may nest. */
  maxDepth: number;
  /** How many values there may be, containers included. */
  maxValues: number;
  /** NaN, Infinity and -Infinity, which Python writes, are numbers. */
  hasPythonNumbers?: boolean;
}

/** No number of a model file needs more; BigInt takes quadratic time. */
const MAX_NUMBER_CHARACTERS = 64;

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const WORD = /-?[A-Za-z]+/y;
const WORDS: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([
  ['null', null],
  ['true', true],
  ['false', false],
]);
const PYTHON_WORDS: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([
  ...WORDS,
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

/** @throws RefuteError E_JSON_SYNTAX, E_JSON_DEPTH, E_JSON_SIZE, E_JSON_DUPLICATE_KEY */
export function parseStrictJson(text: string, options: JsonOptions): JsonValue {
  return new JsonReader(text, options).read();
}

class JsonReader {
  readonly #text: string;
  readonly #options: JsonOptions;
  #at = 0;
  #valueCount = 0;

  constructor(text: string, options: JsonOptions) {
    this.#text = text;
    this.#options = options;
  }

  read(): JsonValue {
    const value = this.#value(1);
    if (this.#peek() !== '') throw this.#syntax('something follows the value');
    return value;
  }

  #value(depth: number): JsonValue {
    const { maxDepth, maxValues } = this.#options;
    this.#valueCount += 1;
    if (this.#valueCount > maxValues) throw this.#error('E_JSON_SIZE', `it holds more than ${maxValues} values`);
    const first = this.#peek();
    if ((first === '{' || first === '[') && depth > maxDepth) {
      throw this.#error('E_JSON_DEPTH', `it nests deeper than ${maxDepth} levels at character ${this.#at}`);
    }
    if (first === '{') return this.#object(depth);
    if (first === '[') return this.#array(depth);
    if (first === '"') return this.#string();
    return this.#wordOrNumber();
  }

  #object(depth: number): JsonObject {
    const entries = new Map<string, JsonValue>();
    this.#at += 1;
    if (this.#take('}')) return entries;
    do {
      if (this.#peek() !== '"') throw this.#syntax('a key is missing');
      const key = this.#string();
      if (entries.has(key)) throw this.#error('E_JSON_DUPLICATE_KEY', `the key ${quoted(key)} occurs twice`);
      if (!this.#take(':')) throw this.#syntax('a colon is missing');
      entries.set(key, this.#value(depth + 1));
    } while (this.#take(','));
    if (!this.#take('}')) throw this.#syntax('an object does not end');
    return entries;
  }

  #array(depth: number): readonly JsonValue[] {
    const values: JsonValue[] = [];
    this.#at += 1;
    if (this.#take(']')) return values;
    do values.push(this.#value(depth + 1));
    while (this.#take(','));
    if (!this.#take(']')) throw this.#syntax('an array does not end');
    return values;
  }

  #string(): string {
    const start = this.#at;
    let end = start;
    do {
      end = this.#text.indexOf('"', end + 1);
      if (end === -1) throw this.#syntax('a string does not end');
    } while (this.#isEscaped(end, start));
    this.#at = end + 1;
    try {
      return JSON.parse(this.#text.slice(start, end + 1)) as string;
    } catch {
      this.#at = start;
      throw this.#syntax('a string has an escape or a control character that JSON does not know');
    }
  }

  /** Behind an odd number of backslashes. */
  #isEscaped(at: number, start: number): boolean {
    let first = at;
    while (first - 1 > start && this.#text[first - 1] === '\\') first -= 1;
    return (at - first) % 2 === 1;
  }

  #wordOrNumber(): JsonValue {
    const word = this.#match(WORD)?.[0];
    if (word !== undefined) {
      const known = this.#options.hasPythonNumbers === true ? PYTHON_WORDS : WORDS;
      const value = known.get(word);
      if (value !== undefined) return value;
      this.#at -= word.length;
      throw this.#syntax('a value is missing');
    }
    const number = this.#match(NUMBER);
    if (number === null) throw this.#syntax('a value is missing');
    const [digits, fraction, exponent] = number;
    if (digits.length > MAX_NUMBER_CHARACTERS) throw this.#syntax('a number is too long');
    const value = Number(digits);
    const isWhole = fraction === undefined && exponent === undefined;
    return isWhole && !Number.isSafeInteger(value) ? BigInt(digits) : value;
  }

  /** The next character that is not a space; '' at the end. */
  #peek(): string {
    this.#match(SPACE);
    return this.#text[this.#at] ?? '';
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at += 1;
    return true;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.#at += found[0].length;
    return found;
  }

  #syntax(what: string): RefuteError {
    return this.#error('E_JSON_SYNTAX', `it is not JSON: ${what} at character ${this.#at}`);
  }

  #error(code: string, is: string): RefuteError {
    return new RefuteError({ code, place: this.#options.place, is });
  }
}
