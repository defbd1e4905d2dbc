// Python's operators on template values.
import { Dict, DictView, hashOf, isHashable } from './dict.ts';
import { formatPercent } from './percent-format.ts';
import { str } from './python-text.ts';
import { codePoints, compareText, hasAstral, lengthOf } from './unicode.ts';
import { Markup, PyObject, Range, Tuple, Undefined, notFollowed, raise, typeName, type Value } from './values.ts';
import { work, workOn } from './work.ts';

/** Above it a template builds text or lists that no prompt needs. */
export const MAX_LENGTH = 16_000_000;
const MAX_ITEMS = 1_000_000;
const MAX_INTEGER_BITS = 100_000;

export function isTrue(value: Value): boolean {
  if (value === null) return false;
  if (typeof value === 'bigint') return value !== 0n;
  if (typeof value === 'number') return value !== 0;
  if (Array.isArray(value)) return value.length > 0;
  return value instanceof PyObject ? value.truth : value !== '' && value !== false;
}

export function iterate(value: Value): Iterable<Value> {
  if (typeof value === 'string') return codePoints(workOn(value));
  if (Array.isArray(value)) {
    work(value.length);
    return value;
  }
  if (value instanceof Markup) return notFollowed('going through text that is marked safe');
  return value instanceof PyObject
    ? value.iterate()
    : raise('TypeError', `'${typeName(value)}' object is not iterable`);
}

export function isIterable(value: Value): boolean {
  return typeof value === 'string' || Array.isArray(value) || (value instanceof PyObject && value.isIterable);
}

export function sizeOf(value: Value): number {
  if (typeof value === 'string') return lengthOf(value);
  if (Array.isArray(value)) return value.length;
  if (value instanceof Markup) return lengthOf(value.text);
  if (value instanceof PyObject) return value.size;
  return raise('TypeError', `object of type '${typeName(value)}' has no len()`);
}

type Numeric = bigint | number;

/** A number as arithmetic takes it: True is 1. Undefined where the value is none. */
export function numeric(value: Value): Numeric | undefined {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return typeof value === 'bigint' || typeof value === 'number' ? value : undefined;
}

function plain(value: Value): Value {
  return value instanceof Markup ? value.text : value;
}

export function equals(left: Value, right: Value): boolean {
  work();
  const [a, b] = [plain(left), plain(right)];
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined || y !== undefined) return x !== undefined && y !== undefined && x <= y && x >= y;
  if (Array.isArray(a)) return Array.isArray(b) && sameItems(a, b);
  if (a instanceof Tuple) return b instanceof Tuple && sameItems(a.items, b.items);
  if (a instanceof Undefined) return b instanceof Undefined;
  if (a instanceof Dict && b instanceof Dict) {
    return a.size === b.size && [...a.items()].every(([key, value]) => b.has(key) && isSame(value, b.get(key) ?? null));
  }
  if (a instanceof Range && b instanceof Range) return sameItems([...a.iterate()], [...b.iterate()]);
  if (a instanceof DictView && b instanceof DictView) return notFollowed('comparing views of dicts');
  return a === b;
}

/** What containers compare their items with: the same object is equal, NaN too. */
function isSame(a: Value, b: Value): boolean {
  return (a === b && typeof a !== 'number') || equals(a, b);
}

function sameItems(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((item, i) => isSame(item, b[i] ?? null));
}

/** `left < right`. */
export function isLess(left: Value, right: Value): boolean {
  return compare('<', left, right);
}

type Comparison = '<' | '>' | '<=' | '>=';

export function compare(operator: Comparison, left: Value, right: Value): boolean {
  const [a, b] = [plain(left), plain(right)];
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined && y !== undefined) return holds(operator, x, y);
  if (typeof a === 'string' && typeof b === 'string') return holds(operator, compareText(a, b), 0);
  const items = (value: Value): readonly Value[] | null =>
    Array.isArray(value) ? value : value instanceof Tuple ? value.items : null;
  const [p, q] = [items(a), items(b)];
  if (p !== null && q !== null && Array.isArray(a) === Array.isArray(b)) {
    const at = p.findIndex((item, i) => i >= q.length || !isSame(item, q[i] ?? null));
    if (at < 0 || at >= q.length) return holds(operator, at < 0 ? p.length : 1, at < 0 ? q.length : 0);
    return compare(operator, p[at] ?? null, q[at] ?? null);
  }
  for (const value of [a, b]) if (value instanceof Undefined) value.fail();
  return raise('TypeError', `'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
}

function holds(operator: Comparison, x: Numeric, y: Numeric): boolean {
  if (operator === '<') return x < y;
  if (operator === '>') return x > y;
  return operator === '<=' ? x <= y : x >= y;
}

/** `item in container`. */
export function contains(container: Value, item: Value): boolean {
  const within = plain(container);
  if (typeof within === 'string') {
    const part = plain(item);
    if (typeof part === 'string') return within.includes(part);
    if (part instanceof Undefined) part.fail();
    return raise('TypeError', `'in <string>' requires string as left operand, not ${typeName(item)}`);
  }
  if (within instanceof Dict) return isHashable(item) ? within.has(item) : hashOf(item) === '';
  if (within instanceof PyObject && !within.isIterable) {
    return raise('TypeError', `argument of type '${typeName(within)}' is not iterable`);
  }
  if (!isIterable(within)) return raise('TypeError', `argument of type '${typeName(within)}' is not iterable`);
  for (const other of iterate(within)) if (isSame(item, other)) return true;
  return false;
}

export function negate(value: Value): Value {
  const number = numeric(value);
  if (number !== undefined) return -number;
  if (value instanceof Undefined) value.fail();
  return raise('TypeError', `bad operand type for unary -: '${typeName(value)}'`);
}

export function positive(value: Value): Value {
  const number = numeric(value);
  if (number !== undefined) return number;
  if (value instanceof Undefined) value.fail();
  return raise('TypeError', `bad operand type for unary +: '${typeName(value)}'`);
}

export function concatenate(left: Value, right: Value): string {
  return bounded(str(left) + str(right));
}

function bounded(text: string): string {
  if (text.length > MAX_LENGTH) notFollowed(`text of more than ${MAX_LENGTH} characters`);
  return workOn(text);
}

function boundedItems(items: Value[]): Value[] {
  if (items.length > MAX_ITEMS) notFollowed(`a list of more than ${MAX_ITEMS} items`);
  work(items.length);
  return items;
}

/** `+ - * / // % **`. */
export function arithmetic(operator: string, left: Value, right: Value): Value {
  const [x, y] = [numeric(left), numeric(right)];
  if (x !== undefined && y !== undefined) {
    return typeof x === 'bigint' && typeof y === 'bigint'
      ? integerArithmetic(operator, x, y)
      : floatArithmetic(operator, Number(x), Number(y));
  }
  // `%` of a string comes first: an Undefined in its arguments prints as nothing.
  if (operator === '%' && typeof left === 'string') return bounded(formatPercent(left, right));
  for (const value of [left, right]) if (value instanceof Undefined) value.fail();
  if (operator === '+') {
    if (left instanceof Markup || right instanceof Markup) return addMarkup(left, right);
    if (typeof left === 'string' && typeof right === 'string') return bounded(left + right);
    if (Array.isArray(left) && Array.isArray(right)) return boundedItems([...left, ...right]);
    if (left instanceof Tuple && right instanceof Tuple)
      return new Tuple(boundedItems([...left.items, ...right.items]));
  }
  if (operator === '*') {
    if (typeof y === 'bigint') return repeat(left, y);
    if (typeof x === 'bigint') return repeat(right, x);
  }
  if (left instanceof Markup || right instanceof Markup) notFollowed(`${operator} on text that is marked safe`);
  if (left instanceof DictView || right instanceof DictView) notFollowed(`${operator} on a view of a dict`);
  return raise(
    'TypeError',
    `unsupported operand type(s) for ${operator}: '${typeName(left)}' and '${typeName(right)}'`,
  );
}

function repeat(value: Value, times: bigint): Value {
  const count = times > 0n ? Number(times) : 0;
  const size = typeof value === 'string' || Array.isArray(value) || value instanceof Tuple ? sizeOf(value) : 0;
  if (size * count > (typeof value === 'string' ? MAX_LENGTH : MAX_ITEMS))
    notFollowed(`a repetition to ${size * count} items`);
  const repeated = (items: readonly Value[]): Value[] => Array.from({ length: count }, () => items).flat(1);
  if (typeof value === 'string') return size === 0 ? '' : value.repeat(count);
  if (Array.isArray(value)) return size === 0 ? [] : repeated(value);
  if (value instanceof Tuple) return new Tuple(size === 0 ? [] : repeated(value.items));
  if (value instanceof Markup) return notFollowed('* on text that is marked safe');
  return raise('TypeError', `can't multiply sequence by non-int of type '${typeName(value)}'`);
}

export function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&#34;',
    "'": '&#39;',
  };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

function addMarkup(left: Value, right: Value): Value {
  const part = (value: Value): string => {
    if (value instanceof Markup) return value.text;
    if (typeof value === 'string') return escapeHtml(value);
    return raise('TypeError', `unsupported operand type(s) for +: '${typeName(left)}' and '${typeName(right)}'`);
  };
  return new Markup(bounded(part(left) + part(right)));
}

function integerArithmetic(operator: string, x: bigint, y: bigint): Value {
  switch (operator) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      if (bits(x) + bits(y) > MAX_INTEGER_BITS) notFollowed(`an integer of more than ${MAX_INTEGER_BITS} bits`);
      return x * y;
    case '/':
      if (y === 0n) return raise('ZeroDivisionError', 'division by zero');
      return trueDivision(x, y);
    case '**':
      if (y < 0n) return floatArithmetic('**', Number(x), Number(y));
      if (Number(y) * bits(x) > MAX_INTEGER_BITS && x !== 1n && x !== 0n && x !== -1n) {
        notFollowed(`an integer of more than ${MAX_INTEGER_BITS} bits`);
      }
      return x ** y;
    default: {
      if (y === 0n) return raise('ZeroDivisionError', 'integer division or modulo by zero');
      // Python rounds down, JavaScript towards zero.
      const remainder = x % y;
      const isBelow = remainder !== 0n && remainder < 0n !== y < 0n;
      if (operator === '%') return isBelow ? remainder + y : remainder;
      return isBelow ? x / y - 1n : x / y;
    }
  }
}

function bits(value: bigint): number {
  return value.toString(16).length * 4;
}

function trueDivision(x: bigint, y: bigint): number {
  const exact = 2n ** 53n;
  const isExact = (value: bigint): boolean => value <= exact && value >= -exact;
  // Beyond it the two roundings to float are one too many.
  if (!isExact(x) || !isExact(y)) notFollowed('a division of integers beyond 2^53');
  return Number(x) / Number(y);
}

function floatArithmetic(operator: string, x: number, y: number): Value {
  switch (operator) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case '**': {
      if (x === 0 && y < 0) return raise('ZeroDivisionError', '0.0 cannot be raised to a negative power');
      const power = x ** y;
      if (Number.isNaN(power) && !Number.isNaN(x) && !Number.isNaN(y)) {
        if (Math.abs(x) === 1 && !Number.isFinite(y)) return 1;
        notFollowed('a complex number');
      }
      if (x === 1) return 1;
      if (!Number.isFinite(power) && Number.isFinite(x) && Number.isFinite(y)) {
        return raise('OverflowError', "(34, 'Numerical result out of range')");
      }
      return power;
    }
    default: {
      if (y === 0) return raise('ZeroDivisionError', 'float division by zero');
      if (operator === '/') return x / y;
      const remainder = x % y;
      const isBelow = remainder !== 0 && remainder < 0 !== y < 0;
      if (operator === '%') return remainder === 0 ? (y < 0 ? -0 : 0) : isBelow ? remainder + y : remainder;
      const quotient = (x - remainder) / y - (isBelow ? 1 : 0);
      if (quotient === 0) return x / y < 0 || Object.is(x / y, -0) ? -0 : 0;
      const floored = Math.floor(quotient);
      return quotient - floored > 0.5 ? floored + 1 : floored;
    }
  }
}

/** A whole number, True as 1. @throws PythonError TypeError */
export function wholeNumber(value: Value): bigint {
  const number = numeric(value);
  if (typeof number === 'bigint') return number;
  return raise('TypeError', `'${typeName(value)}' object cannot be interpreted as an integer`);
}

export function integer(value: Value): number {
  return Number(wholeNumber(value));
}

/** An index of `[…]` or a bound of a slice, null where it is none. */
function indexOf(value: Value): number | null {
  const number = numeric(value);
  return typeof number === 'bigint' ? Number(number) : null;
}

/** `sequence[key]`, undefined where Python raises a TypeError or LookupError. */
export function itemOf(object: Value, key: Value): Value | undefined {
  if (object instanceof Undefined) return object.item();
  if (object instanceof Dict) return object.item(key);
  if (object instanceof Markup) return notFollowed('an item of text that is marked safe');
  const index = indexOf(key);
  if (index === null) return undefined;
  if (object instanceof Range) {
    const at = index < 0 ? index + object.size : index;
    return at >= 0 && at < object.size ? object.at(at) : undefined;
  }
  if (typeof object === 'string' && !hasAstral(object)) return object.at(index);
  return typeof object === 'string' || Array.isArray(object) || object instanceof Tuple
    ? sequence(object).at(index)
    : undefined;
}

function sequence(value: string | Value[] | Tuple): readonly Value[] {
  if (typeof value === 'string') return codePoints(value);
  return value instanceof Tuple ? value.items : value;
}

/** `sequence[start:stop:step]`; each bound null where it is left out. */
export function slice(value: Value, start: Value, stop: Value, step: Value): Value {
  if (value instanceof Undefined) return value.item();
  if (value instanceof Markup || value instanceof Range) return notFollowed(`a slice of a ${typeName(value)}`);
  if (typeof value !== 'string' && !Array.isArray(value) && !(value instanceof Tuple)) {
    return raise('TypeError', `'${typeName(value)}' object has no slices`);
  }
  const bounds = [start, stop, step].map((bound) => {
    const index = bound === null ? null : indexOf(bound);
    if (bound !== null && index === null) raise('TypeError', `slice indices must be integers, not ${typeName(bound)}`);
    return index;
  });
  const items = sequence(value);
  const by = bounds[2] ?? 1;
  if (by === 0) return raise('ValueError', 'slice step cannot be zero');
  const [low, high] = by > 0 ? [0, items.length] : [-1, items.length - 1];
  const clamp = (bound: number | null | undefined, otherwise: number): number => {
    if (bound === null || bound === undefined) return otherwise;
    return Math.min(Math.max(bound < 0 ? bound + items.length : bound, low), high);
  };
  const from = clamp(bounds[0], by > 0 ? low : high);
  const to = clamp(bounds[1], by > 0 ? high : low);
  const taken: Value[] = [];
  for (let at = from; by > 0 ? at < to : at > to; at += by) taken.push(items[at] ?? null);
  if (typeof value === 'string') return taken.map(str).join('');
  return value instanceof Tuple ? new Tuple(taken) : taken;
}
