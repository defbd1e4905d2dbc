// Jinja2's filters on sequences. Those that Python writes as generators go no further than they are asked.
import { itemOrAttribute } from './attributes.ts';
import { Dict, hashOf } from './dict.ts';
import { arithmetic, integer, isLess, isTrue, iterate, equals } from './operators.ts';
import { bind, type Parameters } from './parameters.ts';
import { str } from './python-text.ts';
import { callTest } from './tests.ts';
import { codePoints } from './unicode.ts';
import {
  Markup,
  PyObject,
  Stream,
  Tuple,
  Undefined,
  notFollowed,
  raise,
  typeName,
  type Keywords,
  type Value,
} from './values.ts';

export type Filter = (value: Value, args: Value[], keywords: Keywords) => Value;
type CallFilter = (name: string, value: Value, args: Value[], keywords: Keywords) => Value;

/** @param callFilter any filter by its name, for `map` */
export function sequenceFilters(callFilter: CallFilter): [string, Filter][] {
  const map: Filter = (value, args, keywords) =>
    new Stream(
      (function* () {
        if (!isTrue(value)) return;
        const change = mapping(args, keywords, callFilter);
        for (const item of iterate(value)) yield change(item);
      })(),
    );
  return [
    ['map', map],
    ['select', selecting(false, true)],
    ['reject', selecting(false, false)],
    ['selectattr', selecting(true, true)],
    ['rejectattr', selecting(true, false)],
    filter(
      'batch',
      { linecount: undefined, fill_with: null },
      (value, count = null, fill = null) => new Stream(batch(value, count, fill)),
    ),
    filter(
      'slice',
      { slices: undefined, fill_with: null },
      (value, count = null, fill = null) => new Stream(sliceInto(value, count, fill)),
    ),
    filter('dictsort', { case_sensitive: false, by: 'key', reverse: false }, sortDict),
    filter('first', {}, (value) => {
      for (const item of iterate(value)) return item;
      return new Undefined('No first item, sequence was empty.');
    }),
    filter('last', {}, (value) => {
      if (value instanceof Stream) raise('TypeError', `'${value.typeName}' object is not reversible`);
      const all = [...iterate(value)];
      return all.length === 0 ? new Undefined('No last item, sequence was empty.') : (all.at(-1) ?? null);
    }),
    filter('groupby', { attribute: undefined, default: null, case_sensitive: false }, groupBy),
    filter('items', {}, (value) => new Stream(items(value))),
    filter('join', { d: '', attribute: null }, (value, separator = null, attribute = null) => {
      const get = attribute === null ? (item: Value): Value => item : getter(attribute);
      return [...iterate(value)].map((item) => str(get(item))).join(str(separator));
    }),
    filter('list', {}, (value) => [...iterate(value)]),
    filter('max', { case_sensitive: false, attribute: null }, (value, sensitive = null, attribute = null) =>
      extreme(value, sensitive, attribute, (a, b) => isLess(b, a)),
    ),
    filter('min', { case_sensitive: false, attribute: null }, (value, sensitive = null, attribute = null) =>
      extreme(value, sensitive, attribute, isLess),
    ),
    filter('reverse', {}, reverse),
    filter(
      'sort',
      { reverse: false, case_sensitive: false, attribute: null },
      (value, reversed = null, sensitive = null, attribute = null) => {
        const paths = typeof attribute === 'string' ? attribute.split(',') : [attribute];
        const gets = paths.map((path) => getter(path));
        const key = (item: Value): Value => gets.map((get) => folded(get(item), sensitive));
        return sorted([...iterate(value)], key, isTrue(reversed));
      },
    ),
    filter('sum', { attribute: null, start: 0n }, (value, attribute = null, start = null) => {
      if (typeof start === 'string') raise('TypeError', "sum() can't sum strings [use ''.join(seq) instead]");
      const get = attribute === null ? (item: Value): Value => item : getter(attribute);
      return [...iterate(value)].reduce((total, item) => arithmetic('+', total, get(item)), start);
    }),
    filter(
      'unique',
      { case_sensitive: false, attribute: null },
      (value, sensitive = null, attribute = null) => new Stream(unique(value, sensitive, attribute)),
    ),
  ];
}

/** One whose arguments have names. */
export function filter(
  name: string,
  parameters: Parameters,
  call: (value: Value, ...args: Value[]) => Value,
): [string, Filter] {
  return [name, (value, args, keywords) => call(value, ...bind(name, parameters, args, keywords))];
}

/** `a.b.0` as a way through attributes and items; null is the value itself. */
function getter(path: Value, instead: Value = null): (item: Value) => Value {
  const parts: Value[] =
    typeof path === 'string'
      ? path.split('.').map((part) => (/^\d+$/.test(part) ? BigInt(part) : part))
      : path === null
        ? []
        : [path];
  return (item) => {
    let found = item;
    for (const part of parts) {
      found = itemOrAttribute(found, part);
      if (instead !== null && found instanceof Undefined) found = instead;
    }
    return found;
  };
}

function folded(value: Value, isCaseSensitive: Value): Value {
  return typeof value === 'string' && !isTrue(isCaseSensitive) ? value.toLowerCase() : value;
}

function mapping(args: Value[], keywords: Keywords, callFilter: CallFilter): (item: Value) => Value {
  if (args.length === 0 && keywords.has('attribute')) {
    for (const name of keywords.keys()) {
      if (name !== 'attribute' && name !== 'default')
        raise('FilterArgumentError', `Unexpected keyword argument '${name}'`);
    }
    return getter(keywords.get('attribute') ?? null, keywords.get('default') ?? null);
  }
  const [name, ...rest] = args;
  if (name === undefined) return raise('FilterArgumentError', 'map requires a filter argument');
  return (item) => callFilter(str(name), item, rest, keywords);
}

function selecting(takesAttribute: boolean, wanted: boolean): Filter {
  return (value, args, keywords) => {
    const [attribute, ...others] = takesAttribute ? args : [null, ...args];
    const [name, ...rest] = others;
    const check = (item: Value): boolean =>
      name === undefined ? isTrue(item) : callTest(str(name), item, rest, keywords);
    return new Stream(
      (function* () {
        if (!isTrue(value)) return;
        if (attribute === undefined) return raise('FilterArgumentError', 'Missing parameter for attribute name');
        const get = takesAttribute ? getter(attribute) : (item: Value): Value => item;
        for (const item of iterate(value)) if (check(get(item)) === wanted) yield item;
      })(),
    );
  };
}

function* batch(value: Value, count: Value, fill: Value): Generator<Value, void> {
  // Compared, not counted with, in Python: a float does.
  const most = typeof count === 'number' ? count : integer(count);
  if (fill !== null && most > 100_000) notFollowed(`rows of ${most} items`);
  let row: Value[] = [];
  for (const item of iterate(value)) {
    if (row.length === most) {
      yield row;
      row = [];
    }
    row.push(item);
  }
  if (row.length === 0) return;
  if (fill !== null && row.length < most) row.push(...Array.from({ length: integer(count) - row.length }, () => fill));
  yield row;
}

function* sliceInto(value: Value, count: Value, fill: Value): Generator<Value, void> {
  const seq = [...iterate(value)];
  const slices = integer(count);
  if (slices === 0) raise('ZeroDivisionError', 'integer division or modulo by zero');
  if (slices > 100_000) notFollowed(`${slices} slices`);
  const each = Math.floor(seq.length / slices);
  const longer = seq.length - each * slices;
  let start = 0;
  for (let i = 0; i < slices; i += 1) {
    const end = start + each + (i < longer ? 1 : 0);
    const row = seq.slice(start, end);
    if (fill !== null && i >= longer) row.push(fill);
    start = end;
    yield row;
  }
}

function sorted(values: Value[], key: (item: Value) => Value, isReversed: boolean): Value[] {
  const keyed = values.map((item) => ({ item, key: key(item) }));
  const order = (a: Value, b: Value): number => (isLess(a, b) ? -1 : isLess(b, a) ? 1 : 0);
  keyed.sort((a, b) => (isReversed ? order(b.key, a.key) : order(a.key, b.key)));
  return keyed.map(({ item }) => item);
}

function sortDict(value: Value, sensitive: Value = null, by: Value = null, reversed: Value = null): Value {
  if (by !== 'key' && by !== 'value') raise('FilterArgumentError', 'You can only sort by either "key" or "value"');
  if (value instanceof Undefined) value.fail();
  if (!(value instanceof Dict)) return raise('AttributeError', `'${typeName(value)}' object has no attribute 'items'`);
  const pairs = [...value.items()].map((pair) => new Tuple(pair));
  const key = (pair: Value): Value => folded((pair as Tuple).items[by === 'key' ? 0 : 1] ?? null, sensitive);
  return sorted(pairs, key, isTrue(reversed));
}

function groupBy(value: Value, attribute: Value = null, instead: Value = null, sensitive: Value = null): Value {
  const get = getter(attribute, instead);
  const key = (item: Value): Value => folded(get(item), sensitive);
  const groups: { key: Value; items: Value[] }[] = [];
  for (const item of sorted([...iterate(value)], key, false)) {
    const last = groups.at(-1);
    if (last !== undefined && equals(last.key, key(item))) last.items.push(item);
    else groups.push({ key: key(item), items: [item] });
  }
  return groups.map((group) => {
    const grouper = isTrue(sensitive) ? group.key : get(group.items[0] ?? null);
    return new Tuple([grouper, group.items], ['grouper', 'list']);
  });
}

function* items(value: Value): Generator<Value, void> {
  if (value instanceof Undefined) return;
  if (!(value instanceof Dict)) raise('TypeError', 'Can only get item pairs from a mapping.');
  for (const pair of (value as Dict).items()) yield new Tuple(pair);
}

function extreme(value: Value, sensitive: Value, attribute: Value, isBetter: (a: Value, b: Value) => boolean): Value {
  const get = getter(attribute);
  let best: { item: Value; key: Value } | null = null;
  for (const item of iterate(value)) {
    const key = folded(get(item), sensitive);
    if (best === null || isBetter(key, best.key)) best = { item, key };
  }
  return best === null ? new Undefined('No aggregated item, sequence was empty.') : best.item;
}

function reverse(value: Value): Value {
  if (typeof value === 'string') return codePoints(value).toReversed().join('');
  if (value instanceof Markup) return notFollowed('the filter reverse on text that is marked safe');
  if (value instanceof PyObject && !value.isIterable) raise('FilterArgumentError', 'argument must be iterable');
  if (!Array.isArray(value) && !(value instanceof PyObject)) raise('FilterArgumentError', 'argument must be iterable');
  const reversed = [...iterate(value)].toReversed();
  return value instanceof Stream ? reversed : new Stream(reversed, 'reversed');
}

function* unique(value: Value, sensitive: Value, attribute: Value): Generator<Value, void> {
  const get = getter(attribute);
  const seen = new Set<string>();
  for (const item of iterate(value)) {
    const hash = hashOf(folded(get(item), sensitive));
    if (!seen.has(hash)) yield item;
    seen.add(hash);
  }
}
