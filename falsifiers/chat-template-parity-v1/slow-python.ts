// Python's values and what its operators, methods and `str` make of them, in their slowest clear form, written from the
// language reference. An int is a bigint, a float a number, a dict a Map with string keys; nothing here has seen the
// product's own values.

/** What Jinja2 has in place of a name or a key that is not there. */
export const MISSING: unique symbol = Symbol('missing');

export class Tuple {
  readonly items: readonly Value[];
  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

export type Value = null | boolean | bigint | number | string | Value[] | Tuple | Map<string, Value> | typeof MISSING;

/** Python raises here. */
export class PythonError extends Error {}

export function raise(why: string): never {
  throw new PythonError(why);
}

// Truth and equality

export function isTrue(value: Value): boolean {
  if (value === MISSING) return false;
  if (value instanceof Map) return value.size > 0;
  if (value instanceof Tuple) return value.items.length > 0;
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

type Numeric = bigint | number;

/** A bool is an int. */
export function numeric(value: Value): Numeric | null {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return typeof value === 'bigint' || typeof value === 'number' ? value : null;
}

const itemsOf = (value: Value): readonly Value[] | null =>
  Array.isArray(value) ? value : value instanceof Tuple ? value.items : null;

export function equals(a: Value, b: Value): boolean {
  const [x, y] = [numeric(a), numeric(b)];
  // oxlint-disable-next-line eqeqeq -- a bigint and a number of the same size are equal by == alone
  if (x !== null && y !== null) return x == y;
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size && [...a].every(([key, value]) => b.has(key) && equals(value, b.get(key) ?? null));
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [itemsOf(a), itemsOf(b)];
  if (left !== null && right !== null) {
    return left.length === right.length && left.every((item, i) => equals(item, right[i] ?? null));
  }
  return a === b;
}

export function compare(sign: '<' | '<=' | '>' | '>=', a: Value, b: Value): boolean {
  const [x, y] = [numeric(a), numeric(b)];
  const order = x !== null && y !== null ? orderOf(x, y) : orderOf(codePoints(a), codePoints(b));
  return { '<': order < 0, '<=': order <= 0, '>': order > 0, '>=': order >= 0 }[sign];
}

function orderOf<Ordered extends Numeric | string>(a: Ordered, b: Ordered): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Strings are ordered by code points, not by the halves of surrogate pairs. */
function codePoints(value: Value): string {
  if (typeof value !== 'string') raise('these have no order');
  return Array.from(value, (character) => (character.codePointAt(0) ?? 0).toString(16).padStart(6, '0')).join('');
}

export function contains(container: Value, item: Value): boolean {
  if (typeof container === 'string') return typeof item === 'string' ? container.includes(item) : raise('not a string');
  if (container instanceof Map) return isHashable(item) && typeof item === 'string' && container.has(item);
  if (container === MISSING) return false;
  return (itemsOf(container) ?? raise('not a container')).some((one) => equals(one, item));
}

/** @throws PythonError of a value that cannot be a key */
function isHashable(value: Value): true {
  if (Array.isArray(value) || value instanceof Map) raise('unhashable');
  return value instanceof Tuple ? value.items.every(isHashable) || true : true;
}

// Arithmetic

export type Arithmetic = '+' | '-' | '*' | '/' | '//' | '%';

export function arithmetic(sign: Arithmetic, a: Value, b: Value): Value {
  const [x, y] = [numeric(a), numeric(b)];
  if (x === null || y === null) return ofSequences(sign, a, b);
  const isDivision = sign === '/' || sign === '//' || sign === '%';
  if (isDivision && Number(y) === 0) raise('division by zero');
  if (typeof x === 'bigint' && typeof y === 'bigint' && sign !== '/') return ofIntegers(sign, x, y);
  const [left, right] = [Number(x), Number(y)];
  if (sign === '//') {
    const floor = Math.floor((left - floatRemainder(left, right)) / right + 0.5);
    // A zero has the sign of the exact quotient.
    return floor === 0 ? 0 * Math.sign(1 / (left / right)) : floor;
  }
  return {
    '+': left + right,
    '-': left - right,
    '*': left * right,
    '/': left / right,
    '%': floatRemainder(left, right),
  }[sign];
}

/** The remainder has the sign of the divisor, and the quotient is rounded down. */
function ofIntegers(sign: Exclude<Arithmetic, '/'>, x: bigint, y: bigint): bigint {
  if (sign === '+') return x + y;
  if (sign === '-') return x - y;
  if (sign === '*') return x * y;
  const remainder = ((x % y) + y) % y;
  return sign === '%' ? remainder : (x - remainder) / y;
}

function floatRemainder(x: number, y: number): number {
  const remainder = x % y;
  if (remainder === 0) return y < 0 ? -0 : 0;
  return remainder < 0 === y < 0 ? remainder : remainder + y;
}

function ofSequences(sign: Arithmetic, a: Value, b: Value): Value {
  if (sign === '+') {
    if (typeof a === 'string' && typeof b === 'string') return a + b;
    if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
    if (a instanceof Tuple && b instanceof Tuple) return new Tuple([...a.items, ...b.items]);
  }
  if (sign === '*') {
    const times = typeof a === 'bigint' || typeof a === 'boolean' ? a : b;
    const sequence = times === a ? b : a;
    const count = Math.max(0, Number(numeric(times) ?? raise('no number')));
    if (typeof times === 'number') raise('a sequence is not repeated by a float');
    if (typeof sequence === 'string') return sequence.repeat(count);
    if (Array.isArray(sequence)) return Array.from({ length: count }, () => sequence).flat(1);
  }
  return raise('no such operation');
}

// Sequences

/** Positions are those of code points in a string. */
export function slice(of: Value, start: number | null, stop: number | null, step: number | null): Value {
  const by = step ?? 1;
  const items: readonly Value[] = typeof of === 'string' ? Array.from(of) : (itemsOf(of) ?? raise('it has no parts'));
  const count = items.length;
  const within = (at: number): number =>
    Math.min(Math.max(at < 0 ? at + count : at, by < 0 ? -1 : 0), by < 0 ? count - 1 : count);
  const from = start === null ? (by < 0 ? count - 1 : 0) : within(start);
  const to = stop === null ? (by < 0 ? -1 : count) : within(stop);
  const taken: Value[] = [];
  for (let at = from; by < 0 ? at > to : at < to; at += by) taken.push(items[at] ?? null);
  if (typeof of === 'string') return taken.map(str).join('');
  return of instanceof Tuple ? new Tuple(taken) : taken;
}

export function at(of: Value, index: number): Value {
  if (of === MISSING) return raise('nothing is missing it');
  const items = typeof of === 'string' ? Array.from(of) : itemsOf(of);
  return items?.at(index) ?? (items === null || index >= items.length || index < -items.length ? MISSING : null);
}

export function length(of: Value): bigint {
  if (of === MISSING) return 0n;
  if (typeof of === 'string') return BigInt(Array.from(of).length);
  return BigInt(of instanceof Map ? of.size : (itemsOf(of) ?? raise('it has no length')).length);
}

// Strings

/** `str.isspace`: bidirectional types WS, B and S, and category Zs. U+FEFF is not among them. */
const SPACES: ReadonlySet<string> = new Set(
  '\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000',
);

/** @param characters null: white space */
export function strip(text: string, characters: string | null, ends: 'both' | 'left' | 'right' = 'both'): string {
  const cut = characters === null ? SPACES : new Set(characters);
  const left = Array.from(text);
  while (ends !== 'right' && left.length > 0 && cut.has(left[0] ?? '')) left.shift();
  while (ends !== 'left' && left.length > 0 && cut.has(left.at(-1) ?? '')) left.pop();
  return left.join('');
}

/** @param separator null: runs of white space, none of them at an end */
export function split(text: string, separator: string | null): Value[] {
  if (separator === '') raise('an empty separator');
  if (separator !== null) return text.split(separator);
  const words: string[] = [];
  let word = '';
  for (const character of `${text} `) {
    if (!SPACES.has(character)) word += character;
    else if (word !== '') words.push(word.slice(0, word.length));
    if (SPACES.has(character)) word = '';
  }
  return words;
}

export function replace(text: string, old: string, by: string, count: number): string {
  if (old === '') {
    const gaps = [...Array.from(text), ''];
    return gaps.map((character, i) => (i < count ? by : '') + character).join('');
  }
  let [done, rest] = ['', text];
  for (let left = count; left > 0 && rest.includes(old); left--) {
    const place = rest.indexOf(old);
    done += rest.slice(0, place) + by;
    rest = rest.slice(place + old.length);
  }
  return done + rest;
}

// Printing

/** `str`, as `{{ }}` and `~` print a value. */
export function str(value: Value): string {
  if (value === MISSING) return '';
  return typeof value === 'string' ? value : repr(value);
}

function repr(value: Value): string {
  if (value === MISSING) return 'Undefined';
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return floatText(value);
  if (typeof value === 'string') return quoted(value);
  if (value instanceof Map) return `{${[...value].map(([key, one]) => `${quoted(key)}: ${repr(one)}`).join(', ')}}`;
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  return value.items.length === 1 ? `(${repr(value.items[0] ?? null)},)` : `(${value.items.map(repr).join(', ')})`;
}

/** The shortest digits that are read back as the same float; with an exponent below 1e-4 and from 1e16. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const [mantissa = '', power = '0'] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    const padded = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${padded}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

const NAMED: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inside = Array.from(text, (character) => {
    if (character === quote) return `\\${quote}`;
    if (NAMED[character] !== undefined) return NAMED[character];
    if (character === ' ' || !/[\p{C}\p{Z}]/u.test(character)) return character;
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length <= 2
      ? `\\x${code.padStart(2, '0')}`
      : code.length <= 4
        ? `\\u${code.padStart(4, '0')}`
        : `\\U${code.padStart(8, '0')}`;
  });
  return quote + inside.join('') + quote;
}

/** `json.dumps` with `ensure_ascii=False`, as Transformers has it for `tojson`. */
export function json(value: Value, indent: number | null = null, depth = 1): string {
  if (value === MISSING) return raise('Undefined is not JSON');
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  // The same escapes; U+2028 and the like stay, as ensure_ascii=False has it.
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return floatText(value);
  const [open, close] = value instanceof Map ? ['{', '}'] : ['[', ']'];
  const parts =
    value instanceof Map
      ? [...value].map(([key, one]) => `${JSON.stringify(key)}: ${json(one, indent, depth + 1)}`)
      : (itemsOf(value) ?? []).map((one) => json(one, indent, depth + 1));
  if (parts.length === 0) return open + close;
  if (indent === null) return open + parts.join(', ') + close;
  const line = `\n${' '.repeat(indent * depth)}`;
  return `${open}${line}${parts.join(`,${line}`)}\n${' '.repeat(indent * (depth - 1))}${close}`;
}
