// Jinja2's filters on one value, and the table of all filters.
import { attributeOf } from './attributes.ts';
import { Dict, hashOf } from './dict.ts';
import { toJson } from './json.ts';
import { fixed } from './number-format.ts';
import { toFloat, toInteger } from './numbers.ts';
import { concatenate, escapeHtml, integer, isIterable, isTrue, iterate, negate, numeric, sizeOf } from './operators.ts';
import type { Parameters } from './parameters.ts';
import { formatPercent } from './percent-format.ts';
import { str, textOf } from './python-text.ts';
import { filter, sequenceFilters, type Filter } from './sequence-filters.ts';
import { center, replace, splitLines } from './string-methods.ts';
import * as unicode from './unicode.ts';
import { Markup, Tuple, Undefined, notFollowed, raise, typeName, type Keywords, type Value } from './values.ts';
import { workOn } from './work.ts';

function unfollowed(name: string): [string, Filter] {
  return [name, () => notFollowed(`the filter ${name}`)];
}

/** The text of a value for filters that would keep the mark of a marked one. */
function soft(value: Value, name: string): string {
  return value instanceof Markup ? notFollowed(`the filter ${name} on text that is marked safe`) : str(value);
}

const escape = (value: Value): Value => (value instanceof Markup ? value : new Markup(escapeHtml(str(value))));
const otherwise = (value: Value, instead: Value = null, boolean: Value = null): Value =>
  value instanceof Undefined || (isTrue(boolean) && !isTrue(value)) ? instead : value;
const DEFAULTS: Parameters = { default_value: '', boolean: false };
const size = (value: Value): Value => BigInt(sizeOf(value));

const FILTERS: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ...sequenceFilters((name, value, args, keywords) => callFilter(name, value, args, keywords)),
  filter('abs', {}, (value) => {
    const number = numeric(value);
    if (number === undefined) {
      return value instanceof Undefined
        ? value.fail()
        : raise('TypeError', `bad operand type for abs(): '${typeName(value)}'`);
    }
    return number < 0 || Object.is(number, -0) ? negate(number) : number;
  }),
  filter('attr', { name: undefined }, (value, name = null) => {
    const wanted = textOf(name, 'attribute name');
    if (value instanceof Undefined) return value.fail();
    const found = attributeOf(value, wanted);
    return found === undefined ? new Undefined(`'${typeName(value)} object' has no attribute '${wanted}'`) : found;
  }),
  filter('capitalize', {}, (value) => unicode.capitalize(soft(value, 'capitalize'))),
  filter('center', { width: 80n }, (value, width = null) => center(soft(value, 'center'), integer(width))),
  filter('count', {}, size),
  filter('length', {}, size),
  filter('d', DEFAULTS, otherwise),
  filter('default', DEFAULTS, otherwise),
  filter('e', {}, escape),
  filter('escape', {}, escape),
  filter('forceescape', {}, (value) => new Markup(escapeHtml(str(value)))),
  filter('float', { default: 0 }, (value, instead = null) => toFloat(value) ?? instead),
  filter(
    'int',
    { default: 0n, base: 10n },
    (value, instead = null, base = null) => toInteger(value, integer(base)) ?? instead,
  ),
  [
    'format',
    (value, args, keywords) => {
      if (args.length > 0 && keywords.size > 0) {
        raise('FilterArgumentError', "can't handle positional and keyword arguments at the same time");
      }
      return formatPercent(soft(value, 'format'), keywords.size > 0 ? new Dict(keywords) : new Tuple(args));
    },
  ],
  filter('indent', { width: 4n, first: false, blank: false }, indent),
  filter('lower', {}, (value) => soft(value, 'lower').toLowerCase()),
  filter('upper', {}, (value) => soft(value, 'upper').toUpperCase()),
  filter('replace', { old: undefined, new: undefined, count: null }, (value, old = null, by = null, count = null) =>
    replace(str(value), str(old), str(by), count === null ? -1 : integer(count)),
  ),
  filter('round', { precision: 0n, method: 'common' }, round),
  filter('safe', {}, (value) => (value instanceof Markup ? value : new Markup(str(value)))),
  filter('string', {}, (value) => (value instanceof Markup ? value : str(value))),
  filter('title', {}, (value) => title(soft(value, 'title'))),
  filter(
    'tojson',
    { ensure_ascii: false, indent: null, separators: null, sort_keys: false },
    (value, ascii = null, width = null, separators = null, sort = null) =>
      toJson(value, ascii, width, separators, sort),
  ),
  filter('trim', { chars: null }, (value, characters = null) => {
    const set = characters === null ? null : textOf(characters, 'strip arg');
    const stripped = unicode.strip(str(value), set, 'both');
    return value instanceof Markup ? new Markup(stripped) : stripped;
  }),
  filter('truncate', { length: 255n, killwords: false, end: '...', leeway: null }, truncate),
  filter('urlencode', {}, urlEncode),
  filter('wordcount', {}, (value) => BigInt(soft(value, 'wordcount').match(/[\p{L}\p{N}_]+/gu)?.length ?? 0)),
  filter('xmlattr', { autospace: true }, (value, autospace = null) => xmlAttributes(value, isTrue(autospace))),
  ...['filesizeformat', 'pprint', 'random', 'striptags', 'urlize', 'wordwrap'].map(unfollowed),
]);

export function isFilter(name: Value): boolean {
  // Looked up in a dict: what cannot be a key raises.
  return hashOf(name) !== '' && typeof name === 'string' && FILTERS.has(name);
}

export function callFilter(name: string, value: Value, args: Value[], keywords: Keywords): Value {
  if (typeof value === 'string') workOn(value);
  const found = FILTERS.get(name);
  return found === undefined
    ? raise('TemplateRuntimeError', `No filter named '${name}'.`)
    : found(value, args, keywords);
}

function indent(value: Value, width: Value = null, first: Value = null, blank: Value = null): Value {
  if (value instanceof Undefined) return value.fail();
  const margin = typeof width === 'string' ? width : spaces(integer(width));
  const lines = splitLines(`${textOf(value, 'the value of indent')}\n`);
  const [head = '', ...rest] = lines;
  const indented = rest.map((line) => (isTrue(blank) || line !== '' ? margin + line : line));
  return concatenate(isTrue(first) ? margin : '', [head, ...indented].join('\n'));
}

function spaces(count: number): string {
  return count > 10_000 ? notFollowed(`an indent of ${count}`) : ' '.repeat(Math.max(0, count));
}

function round(value: Value, precision: Value = null, method: Value = null): Value {
  if (method !== 'common' && method !== 'ceil' && method !== 'floor') {
    return raise('FilterArgumentError', 'method must be common, ceil or floor');
  }
  const digits = integer(precision);
  const number = numeric(value);
  if (number === undefined) {
    return value instanceof Undefined ? value.fail() : raise('TypeError', `type ${typeName(value)} is not rounded`);
  }
  if (Math.abs(digits) > 60) return notFollowed(`rounding to ${digits} digits`);
  if (method === 'common') {
    if (typeof number === 'bigint') return digits >= 0 ? number : notFollowed('rounding an integer to tens');
    if (!Number.isFinite(number)) return number;
    return digits >= 0 ? Number(fixed(number, digits)) : notFollowed('rounding a float to tens');
  }
  if (digits < 0) return notFollowed('rounding to tens');
  const factor = 10 ** digits;
  const scaled = Number(number) * factor;
  if (!Number.isFinite(scaled)) return raise('OverflowError', 'cannot convert float infinity or NaN to integer');
  // An integer in between: no negative zero comes out.
  return (method === 'ceil' ? Math.ceil(scaled) : Math.floor(scaled)) / factor + 0;
}

function title(text: string): string {
  const words = text.split(new RegExp(`([-${unicode.SPACE}({\\[<]+)`));
  return words
    .map((word) => {
      const [first = ''] = word;
      return first.toUpperCase() + word.slice(first.length).toLowerCase();
    })
    .join('');
}

function truncate(
  value: Value,
  length: Value = null,
  kill: Value = null,
  end: Value = null,
  leeway: Value = null,
): Value {
  const ending = textOf(end, 'end');
  const [most, slack] = [integer(length), leeway === null ? 5 : integer(leeway)];
  const endLength = unicode.lengthOf(ending);
  if (most < endLength) raise('AssertionError', `expected length >= ${endLength}, got ${most}`);
  if (slack < 0) raise('AssertionError', `expected leeway >= 0, got ${slack}`);
  if (sizeOf(value) <= most + slack) return value;
  const cut = unicode
    .codePoints(textOf(value, 'the value of truncate'))
    .slice(0, most - endLength)
    .join('');
  const space = isTrue(kill) ? -1 : cut.lastIndexOf(' ');
  return (space < 0 ? cut : cut.slice(0, space)) + ending;
}

function urlEncode(value: Value): Value {
  const quote = (part: Value, isQuery: boolean): string => {
    const text = str(part);
    if (!text.isWellFormed()) return raise('UnicodeEncodeError', 'surrogates not allowed');
    const encoded = encodeURIComponent(text).replaceAll(
      /[!'()*]/g,
      (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
    );
    return isQuery ? encoded.replaceAll('%20', '+') : encoded.replaceAll('%2F', '/');
  };
  if (typeof value === 'string' || value instanceof Markup || !isIterable(value)) return quote(value, false);
  const pairs = value instanceof Dict ? [...value.items()] : [...iterate(value)].map((pair) => [...iterate(pair)]);
  return pairs
    .map((pair) => {
      if (pair.length !== 2) raise('ValueError', 'expected pairs to unpack');
      return `${quote(pair[0] ?? null, true)}=${quote(pair[1] ?? null, true)}`;
    })
    .join('&');
}

function xmlAttributes(value: Value, hasSpace: boolean): Value {
  if (!(value instanceof Dict)) {
    return value instanceof Undefined ? value.fail() : raise('AttributeError', `'${typeName(value)}' has no 'items'`);
  }
  const parts: string[] = [];
  for (const [key, item] of value.items()) {
    if (item === null || item instanceof Undefined) continue;
    const name = textOf(key, 'attribute name');
    if (/[ \t\n\r\f\v/>=]/.test(name)) raise('ValueError', `Invalid character in attribute name: '${name}'`);
    parts.push(`${escapeHtml(name)}="${item instanceof Markup ? item.text : escapeHtml(str(item))}"`);
  }
  return hasSpace && parts.length > 0 ? ` ${parts.join(' ')}` : parts.join(' ');
}
