// Jinja2's tests, the words after `is`.
import { Dict, hashOf } from './dict.ts';
import { arithmetic, compare, contains, equals, isIterable, sizeOf } from './operators.ts';
import { str } from './python-text.ts';
import { positional } from './parameters.ts';
import { hasCase } from './unicode.ts';
import { Markup, PyObject, Stream, Undefined, notFollowed, raise, type Keywords, type Value } from './values.ts';

type Test = (value: Value, other: Value) => boolean;

const ONE_OPERAND: Readonly<Record<string, (value: Value) => boolean>> = {
  odd: (value) => equals(arithmetic('%', value, 2n), 1n),
  even: (value) => equals(arithmetic('%', value, 2n), 0n),
  defined: (value) => !(value instanceof Undefined),
  undefined: (value) => value instanceof Undefined,
  none: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  true: (value) => value === true,
  false: (value) => value === false,
  integer: (value) => typeof value === 'bigint',
  float: (value) => typeof value === 'number',
  number: (value) => typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean',
  string: (value) => typeof value === 'string' || value instanceof Markup,
  mapping: (value) => value instanceof Dict,
  lower: (value) => hasCase(str(value), 'lower'),
  upper: (value) => hasCase(str(value), 'upper'),
  callable: (value) => value instanceof PyObject && value.call !== undefined,
  iterable: isIterable,
  escaped: (value) => value instanceof Markup,
  sequence: (value) => {
    if (value instanceof PyObject && (value instanceof Stream || value.typeName.startsWith('dict_'))) return false;
    if (!isIterable(value) && !(value instanceof Markup)) return false;
    return sizeOf(value) >= 0;
  },
  test: (value) => isTest(value),
};

const equal: Test = equals;
const unequal: Test = (value, other) => !equals(value, other);
const less: Test = (value, other) => compare('<', value, other);
const greater: Test = (value, other) => compare('>', value, other);
const atMost: Test = (value, other) => compare('<=', value, other);
const atLeast: Test = (value, other) => compare('>=', value, other);

const TWO_OPERANDS: Readonly<Record<string, Test>> = {
  divisibleby: (value, other) => equals(arithmetic('%', value, other), 0n),
  in: (value, other) => contains(other, value),
  sameas: (value, other) => {
    // Which equal strings, numbers and tuples are one object is CPython's own affair.
    const isPlain = [value, other].some((operand) => ['string', 'bigint', 'number'].includes(typeof operand));
    return isPlain && value === other ? notFollowed('sameas of strings and numbers') : value === other;
  },
  eq: equal,
  equalto: equal,
  '==': equal,
  ne: unequal,
  '!=': unequal,
  lt: less,
  lessthan: less,
  '<': less,
  gt: greater,
  greaterthan: greater,
  '>': greater,
  le: atMost,
  '<=': atMost,
  ge: atLeast,
  '>=': atLeast,
};

const TESTS: ReadonlyMap<string, (value: Value, args: Value[], keywords: Keywords) => boolean> = new Map([
  ...Object.entries(ONE_OPERAND).map(([name, test]) => entry(name, 0, test)),
  ...Object.entries(TWO_OPERANDS).map(([name, test]) => entry(name, 1, test)),
]);

function entry(name: string, count: number, test: Test): [string, (v: Value, a: Value[], k: Keywords) => boolean] {
  return [
    name,
    (value, args, keywords) => {
      positional(`test_${name}`, args, keywords, count, count);
      return test(value, args[0] ?? null);
    },
  ];
}

export function isTest(name: Value): boolean {
  return (hashOf(name) !== '' && name === 'filter') || (typeof name === 'string' && TESTS.has(name));
}

export function callTest(name: string, value: Value, args: Value[], keywords: Keywords): boolean {
  const test = TESTS.get(name);
  if (test !== undefined) return test(value, args, keywords);
  return name === 'filter' ? notFollowed("'is filter'") : raise('TemplateRuntimeError', `No test named '${name}'.`);
}
