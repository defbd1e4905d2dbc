// `str()` and `repr()` as Python writes them, to the character.
import { work } from './work.ts';
import { Markup, Undefined, notFollowed, raise, type Value } from './values.ts';

/** Above it Python itself does not write an integer out. */
const MAX_INTEGER_DIGITS = 4300;

/** What `{{ value }}` prints. */
export function str(value: Value): string {
  if (typeof value === 'string') return value;
  if (value instanceof Markup) return value.text;
  return value instanceof Undefined ? '' : repr(value);
}

export function repr(value: Value): string {
  return reprWithin(value, 0);
}

function reprWithin(value: Value, depth: number): string {
  work();
  if (depth > 200) raise('RecursionError', 'maximum recursion depth exceeded while getting the repr of an object');
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return integerText(value);
  if (typeof value === 'number') return floatText(value);
  if (typeof value === 'string') return quoted(value);
  const inner = (item: Value): string => reprWithin(item, depth + 1);
  if (Array.isArray(value)) return `[${value.map(inner).join(', ')}]`;
  return value instanceof Markup ? `Markup(${quoted(value.text)})` : value.repr(inner);
}

export function integerText(value: bigint): string {
  const text = String(value);
  if (text.length - (value < 0n ? 1 : 0) > MAX_INTEGER_DIGITS) {
    raise('ValueError', `Exceeds the limit (${MAX_INTEGER_DIGITS} digits) for integer string conversion`);
  }
  return text;
}

/** The shortest digits that read back as the same float; an exponent from 1e16 on and below 1e-4. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const [digits = '', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  // Number's own text has no exponent between 1e-7 and 1e21.
  const text = String(value);
  return text.includes('.') ? text : `${text}.0`;
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  // `str.isprintable`: no control, format, surrogate, private or unassigned character, and no space but U+0020.
  const body = text.replaceAll(/['"\\]|(?! )[\p{C}\p{Z}]/gu, (character) => {
    if (character === quote) return `\\${character}`;
    if (character === "'" || character === '"') return character;
    return ESCAPES[character] ?? escaped(character.codePointAt(0) ?? 0);
  });
  return quote + body + quote;
}

function escaped(codePoint: number): string {
  const hex = (digits: number): string => codePoint.toString(16).padStart(digits, '0');
  if (codePoint < 0x100) return `\\x${hex(2)}`;
  return codePoint < 0x1_0000 ? `\\u${hex(4)}` : `\\U${hex(8)}`;
}

/** A string out of a str or a marked one; another type is a TypeError of the caller's words. */
export function textOf(value: Value, what: string): string {
  if (typeof value === 'string') return value;
  if (value instanceof Markup) return notFollowed(`${what} on text that is marked safe`);
  if (value instanceof Undefined) return value.fail();
  return raise('TypeError', `${what} must be str`);
}
