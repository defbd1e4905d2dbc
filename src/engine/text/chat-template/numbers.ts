// Python's `int()` and `float()` as the filters of these names call them.
import { Markup, Undefined, notFollowed, raise, type Value } from './values.ts';
import { strip } from './unicode.ts';

/** Null where Python raises the errors that the filter answers with its default. */
export function toInteger(value: Value, base: number): bigint | null {
  if (value instanceof Undefined) return value.fail();
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'number') return truncate(value);
  const text = value instanceof Markup ? value.text : value;
  if (typeof text !== 'string') return null;
  const whole = parseInteger(text, base);
  if (whole !== null) return whole;
  const number = parseFloatText(text);
  return number === null || !Number.isFinite(number) ? null : BigInt(Math.trunc(number));
}

function truncate(value: number): bigint | null {
  if (Number.isNaN(value)) return null;
  if (!Number.isFinite(value)) return raise('OverflowError', 'cannot convert float infinity to integer');
  return BigInt(Math.trunc(value));
}

/** Null where Python raises a TypeError or ValueError. */
export function toFloat(value: Value): number | null {
  if (value instanceof Undefined) return value.fail();
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isFinite(number) ? number : raise('OverflowError', 'int too large to convert to float');
  }
  const text = value instanceof Markup ? value.text : value;
  return typeof text === 'string' ? parseFloatText(text) : null;
}

function asciiDigits(text: string): string {
  if (/(?![0-9])\p{Nd}/u.test(text)) notFollowed('a number in digits that are not ASCII');
  return strip(text, null, 'both');
}

const DIGITS: ReadonlyMap<number, string> = new Map([
  [2, '[01]'],
  [8, '[0-7]'],
  [10, '[0-9]'],
  [16, '[0-9a-f]'],
]);
const PREFIXES: ReadonlyMap<number, string> = new Map([
  [2, '0b'],
  [8, '0o'],
  [16, '0x'],
]);

function parseInteger(text: string, base: number): bigint | null {
  const digit = DIGITS.get(base);
  if (digit === undefined) return notFollowed(`int() of base ${base}`);
  const prefix = PREFIXES.get(base);
  const start = prefix === undefined ? '' : `(?:${prefix}_?)?`;
  const match = new RegExp(`^([+-]?)${start}(${digit}(?:_?${digit})*)$`, 'i').exec(asciiDigits(text));
  if (match === null) return null;
  const digits = (match[2] ?? '').replaceAll('_', '');
  if (base === 10 && digits.length > 4300) return null;
  const value = BigInt((prefix ?? '') + digits);
  return match[1] === '-' ? -value : value;
}

function parseFloatText(text: string): number | null {
  const stripped = asciiDigits(text);
  const word = /^([+-]?)(inf|infinity|nan)$/i.exec(stripped);
  if (word !== null) {
    if (word[2]?.toLowerCase() === 'nan') return Number.NaN;
    return word[1] === '-' ? -Infinity : Infinity;
  }
  const digits = '\\d(?:_?\\d)*';
  const pattern = new RegExp(`^[+-]?(?:${digits}\\.?(?:${digits})?|\\.${digits})(?:e[+-]?${digits})?$`, 'i');
  return pattern.test(stripped) ? Number(stripped.replaceAll('_', '')) : null;
}
