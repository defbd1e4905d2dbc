// The methods of Python's str.
import { formatBraces, type Lookup } from './brace-format.ts';
import { MAX_LENGTH, integer, isTrue, iterate } from './operators.ts';
import { bind, positional, type Parameters } from './parameters.ts';
import { textOf } from './python-text.ts';
import * as unicode from './unicode.ts';
import { PyFunction, Tuple, Undefined, notFollowed, raise, typeName, type Keywords, type Value } from './values.ts';
import { workOn } from './work.ts';

const { SPACE, codePoints } = unicode;

type Method = (text: string, args: Value[], keywords: Keywords) => Value;

/** A method without names for its arguments. */
function method(
  name: string,
  least: number,
  most: number,
  call: (text: string, ...args: Value[]) => Value,
): [string, Method] {
  return [
    name,
    (text, args, keywords) => {
      positional(name, args, keywords, least, most);
      return call(text, ...args);
    },
  ];
}

function named(
  name: string,
  parameters: Parameters,
  call: (text: string, ...args: Value[]) => Value,
): [string, Method] {
  return [name, (text, args, keywords) => call(text, ...bind(name, parameters, args, keywords))];
}

/** Whether all characters are in a class and there is one. */
function every(name: string, characterClass: string): [string, Method] {
  const pattern = new RegExp(`^${characterClass}+$`, 'u');
  return method(name, 0, 0, (text) => pattern.test(text));
}

const METHODS: ReadonlyMap<string, Method> = new Map([
  method('upper', 0, 0, (text) => text.toUpperCase()),
  method('lower', 0, 0, (text) => text.toLowerCase()),
  method('title', 0, 0, unicode.title),
  method('capitalize', 0, 0, unicode.capitalize),
  method('swapcase', 0, 0, unicode.swapCase),
  method('casefold', 0, 0, (text) => {
    if (/\P{ASCII}/u.test(text)) notFollowed('casefold of text that is not ASCII');
    return text.toLowerCase();
  }),
  method('isupper', 0, 0, (text) => unicode.hasCase(text, 'upper')),
  method('islower', 0, 0, (text) => unicode.hasCase(text, 'lower')),
  method('istitle', 0, 0, (text) => unicode.isTitle(text)),
  method('isascii', 0, 0, (text) => !/\P{ASCII}/u.test(text)),
  every('isspace', `[${SPACE}]`),
  every('isalpha', '\\p{L}'),
  every('isdecimal', '\\p{Nd}'),
  every('isdigit', `[\\p{Nd}${unicode.DIGITS}]`),
  every('isalnum', '[\\p{L}\\p{N}]'),
  method('isnumeric', 0, 0, (text) => {
    // Some ideographs are numbers (U+4E00 is one), which no property of a regular expression says.
    if (/\p{Script=Han}/u.test(text)) notFollowed('isnumeric of ideographs');
    return /^\p{N}+$/u.test(text);
  }),
  method('isprintable', 0, 0, (text) => !/(?! )[\p{C}\p{Z}]/u.test(text)),
  method('isidentifier', 0, 0, (text) => /^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(text)),
  ...(['strip', 'lstrip', 'rstrip'] as const).map((name) => {
    const side = { strip: 'both', lstrip: 'left', rstrip: 'right' } as const;
    return method(name, 0, 1, (text, characters = null) =>
      unicode.strip(text, characters === null ? null : textOf(characters, `${name} arg`), side[name]),
    );
  }),
  named('split', { sep: null, maxsplit: -1n }, (text, separator = null, most = null) =>
    split(text, separator, integer(most)),
  ),
  named('rsplit', { sep: null, maxsplit: -1n }, (text, separator = null, most = null) =>
    splitFromRight(text, separator, integer(most)),
  ),
  named('splitlines', { keepends: false }, (text, keep = null) => splitLines(text, isTrue(keep))),
  method('partition', 1, 1, (text, separator = null) => partition(text, separator, text.indexOf(filled(separator)))),
  method('rpartition', 1, 1, (text, separator = null) => {
    const at = text.lastIndexOf(filled(separator));
    return at < 0 ? new Tuple(['', '', text]) : partition(text, separator, at);
  }),
  method('startswith', 1, 3, (text, affix = null, ...range) => hasAffix(text, 'startswith', affix, range)),
  method('endswith', 1, 3, (text, affix = null, ...range) => hasAffix(text, 'endswith', affix, range)),
  method('removeprefix', 1, 1, (text, affix = null) => {
    const prefix = textOf(affix, 'removeprefix() argument');
    return text.startsWith(prefix) ? text.slice(prefix.length) : text;
  }),
  method('removesuffix', 1, 1, (text, affix = null) => {
    const suffix = textOf(affix, 'removesuffix() argument');
    return suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
  }),
  method('replace', 2, 3, (text, old = null, by = null, count = -1n) =>
    replace(text, textOf(old, 'replace() argument 1'), textOf(by, 'replace() argument 2'), integer(count)),
  ),
  method('join', 1, 1, (text, items = null) => {
    const parts = [...iterate(items)].map((item, i) => textOf(item, `sequence item ${i}`));
    if (parts.length * text.length > MAX_LENGTH) notFollowed(`text of more than ${MAX_LENGTH} characters`);
    return parts.join(text);
  }),
  method('find', 1, 3, (text, part = null, ...range) => find(text, part, range, 'first')),
  method('rfind', 1, 3, (text, part = null, ...range) => find(text, part, range, 'last')),
  method('index', 1, 3, (text, part = null, ...range) => required(find(text, part, range, 'first'))),
  method('rindex', 1, 3, (text, part = null, ...range) => required(find(text, part, range, 'last'))),
  method('count', 1, 3, (text, part = null, ...range) => {
    const within = windowOf(text, range);
    const wanted = textOf(part, 'count() argument');
    if (within === null) return 0n;
    const { body } = within;
    return BigInt(wanted === '' ? unicode.lengthOf(body) + 1 : body.split(wanted).length - 1);
  }),
  method('zfill', 1, 1, (text, width = null) => {
    const missing = integer(width) - unicode.lengthOf(text);
    const sign = /^[+-]/.exec(text)?.[0] ?? '';
    return missing <= 0 ? text : sign + padding('0', missing) + text.slice(sign.length);
  }),
  method(
    'ljust',
    1,
    2,
    (text, width = null, fill = ' ') => text + padding(fill, integer(width) - unicode.lengthOf(text)),
  ),
  method(
    'rjust',
    1,
    2,
    (text, width = null, fill = ' ') => padding(fill, integer(width) - unicode.lengthOf(text)) + text,
  ),
  method('center', 1, 2, (text, width = null, fill = ' ') => center(text, integer(width), fill)),
  named('expandtabs', { tabsize: 8n }, (text, size = null) => expandTabs(text, integer(size))),
]);

/** Attributes that str has and templates do not call, but may look for. */
const OTHERS = new Set(['encode', 'format_map', 'maketrans', 'translate']);

export function stringAttribute(text: string, name: string, lookup: Lookup): Value | undefined {
  if (name === 'format') {
    return new PyFunction('builtin_function_or_method', (args, keywords) => formatBraces(text, args, keywords, lookup));
  }
  const found = METHODS.get(name);
  if (found !== undefined) {
    return new PyFunction('builtin_function_or_method', (args, keywords) => found(workOn(text), args, keywords));
  }
  return OTHERS.has(name)
    ? new PyFunction('builtin_function_or_method', () => notFollowed(`str.${name}()`))
    : undefined;
}

function padding(fill: Value, missing: number): string {
  const character = textOf(fill, 'The fill character');
  if (unicode.lengthOf(character) !== 1) raise('TypeError', 'The fill character must be exactly one character long');
  if (missing > 1_000_000) notFollowed(`padding by ${missing} characters`);
  return character.repeat(Math.max(0, missing));
}

export function center(text: string, width: number, fill: Value = ' '): string {
  const missing = Math.max(0, width - unicode.lengthOf(text));
  // Where the rest is odd, the side that gets more depends on the width: CPython's own rule.
  const left = Math.floor(missing / 2) + (missing & width & 1);
  return padding(fill, left) + text + padding(fill, missing - left);
}

function filled(separator: Value): string {
  return textOf(separator, 'separator') || raise('ValueError', 'empty separator');
}

function partition(text: string, separator: Value, at: number): Tuple {
  const by = filled(separator);
  return new Tuple(at < 0 ? [text, '', ''] : [text.slice(0, at), by, text.slice(at + by.length)]);
}

function split(text: string, separator: Value, most: number): Value[] {
  if (separator === null) {
    const parts: string[] = [];
    let rest = unicode.strip(text, null, 'left');
    const gap = new RegExp(`[${SPACE}]+`);
    while (rest !== '') {
      const found = gap.exec(rest);
      if (most >= 0 && parts.length >= most) return [...parts, rest];
      if (found === null) return [...parts, rest];
      parts.push(rest.slice(0, found.index));
      rest = rest.slice(found.index + found[0].length);
    }
    return parts;
  }
  const parts = text.split(filled(separator));
  if (most < 0 || parts.length <= most) return parts;
  return [...parts.slice(0, most), parts.slice(most).join(filled(separator))];
}

function splitFromRight(text: string, separator: Value, limit: number): Value[] {
  const most = limit < 0 ? Infinity : limit;
  if (separator === null) {
    const parts: string[] = [];
    let rest = unicode.strip(text, null, 'right');
    while (rest !== '' && parts.length < most) {
      const word = new RegExp(`[^${SPACE}]+$`).exec(rest)?.[0] ?? '';
      parts.unshift(word);
      rest = unicode.strip(rest.slice(0, rest.length - word.length), null, 'right');
    }
    return rest === '' ? parts : [rest, ...parts];
  }
  const by = filled(separator);
  const parts: string[] = [];
  let end = text.length;
  // From the right: "aaa" at "aa" parts as "a" and "".
  for (let at = 0; parts.length < most; end = at) {
    at = end < by.length ? -1 : text.lastIndexOf(by, end - by.length);
    if (at < 0) break;
    parts.unshift(text.slice(at + by.length, end));
  }
  return [text.slice(0, end), ...parts];
}

/** The inside of a character class: what ends a line for Python. */
const BREAKS = '\\n\\r\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029';
const LINE = new RegExp(`[^${BREAKS}]*(?:\\r\\n|[${BREAKS}]|$)`, 'g');
const LINE_END = new RegExp(`(?:\\r\\n|[${BREAKS}])$`);

export function splitLines(text: string, keepEnds = false): string[] {
  const lines = text.match(LINE) ?? [];
  if (lines.at(-1) === '') lines.pop();
  return keepEnds ? lines : lines.map((line) => line.replace(LINE_END, ''));
}

export function replace(text: string, old: string, by: string, count: number): string {
  if (count === 0) return text;
  if (old === '') {
    const points = codePoints(text);
    const most = count < 0 ? points.length + 1 : count;
    return points.map((point, i) => (i < most ? by : '') + point).join('') + (points.length < most ? by : '');
  }
  const parts = text.split(old);
  if (parts.length * by.length > MAX_LENGTH) notFollowed(`text of more than ${MAX_LENGTH} characters`);
  if (count < 0 || parts.length - 1 <= count) return parts.join(by);
  return [...parts.slice(0, count), parts.slice(count).join(old)].join(by);
}

interface Window {
  start: number;
  body: string;
}

/** The part of a text between two bounds; null where the first is beyond the end. */
function windowOf(text: string, [from = null, to = null]: readonly Value[]): Window | null {
  if (from === null && to === null) return { start: 0, body: text };
  const points = codePoints(text);
  const clamp = (value: number): number => Math.max(0, value < 0 ? value + points.length : value);
  const start = from === null ? 0 : clamp(integer(from));
  const end = to === null ? points.length : Math.min(points.length, clamp(integer(to)));
  return start > points.length || start > end ? null : { start, body: points.slice(start, end).join('') };
}

function hasAffix(text: string, name: 'startswith' | 'endswith', affix: Value, range: readonly Value[]): boolean {
  const within = windowOf(text, range);
  const test = (part: Value): boolean => {
    if (part instanceof Undefined) part.fail();
    if (typeof part !== 'string') {
      return raise('TypeError', `${name} first arg must be str or a tuple of str, not ${typeName(part)}`);
    }
    if (within === null) return false;
    return name === 'startswith' ? within.body.startsWith(part) : within.body.endsWith(part);
  };
  return affix instanceof Tuple ? affix.items.some(test) : test(affix);
}

function find(text: string, part: Value, range: readonly Value[], which: 'first' | 'last'): bigint {
  const wanted = textOf(part, 'find() argument');
  const within = windowOf(text, range);
  if (within === null) return -1n;
  const at = which === 'first' ? within.body.indexOf(wanted) : within.body.lastIndexOf(wanted);
  return at < 0 ? -1n : BigInt(within.start + unicode.lengthOf(within.body.slice(0, at)));
}

function required(at: bigint): bigint {
  return at < 0n ? raise('ValueError', 'substring not found') : at;
}

function expandTabs(text: string, size: number): string {
  if (size > 1000) notFollowed(`tabs of ${size} characters`);
  let column = 0;
  let result = '';
  for (const character of codePoints(text)) {
    if (character === '\t') {
      const width = size > 0 ? size - (column % size) : 0;
      result += ' '.repeat(width);
      column += width;
    } else {
      result += character;
      column = character === '\n' || character === '\r' ? 0 : column + 1;
    }
  }
  return result;
}
