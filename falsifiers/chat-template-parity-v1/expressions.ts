// Expressions of the template language, searched for: each is its spelling together with the value that Python has
// for it, by slow-python.ts. Mostly well typed; what is not raises in Python, and has to be refused.
import fc from 'fast-check';
import * as python from './slow-python.ts';
import { MISSING, PythonError, raise, Tuple, type Value } from './slow-python.ts';

export interface Expression {
  /** Its spelling, in brackets where it needs them. */
  source: string;
  /** @throws PythonError where Python raises */
  value: () => Value;
}

/** What a name in a template stands for: as the product is given it, and as Python has it. */
export const NAMES: Readonly<Record<string, { given: unknown; value: Value }>> = {
  n: { given: 7, value: 7n },
  f: { given: 2.5, value: 2.5 },
  word: { given: 'naïve 👍\r\n', value: 'naïve 👍\r\n' },
  yes: { given: true, value: true },
  nil: { given: null, value: null },
  list: { given: [1, 'a', null, false], value: [1n, 'a', null, false] },
  words: { given: ['b', 'A', "c'd"], value: ['b', 'A', "c'd"] },
  map: {
    given: { b: 1, a: [null, 1.5], 'x y': {} },
    value: new Map<string, Value>([
      ['b', 1n],
      ['a', [null, 1.5]],
      ['x y', new Map()],
    ]),
  },
};

const PIECES = [
  'a',
  'B',
  'é',
  'ß',
  '👍',
  ' ',
  '\n',
  '\r\n',
  '\t',
  "'",
  '"',
  '\\',
  ',',
  '-',
  '\x1c',
  '\x85',
  '\u00a0',
  '\u2028',
  '\ufeff',
  '\u200b',
  '0',
  '{{',
  '%}',
];

const text = fc.array(fc.constantFrom(...PIECES), { maxLength: 5 }).map((pieces) => pieces.join(''));

const SPELLED: Readonly<Record<string, string>> = { '\\': '\\\\', "'": "\\'", '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** As a literal; some characters stand in it as they are, some escaped. */
function literal(of: string): string {
  return `'${Array.from(of, (character) => SPELLED[character] ?? character).join('')}'`;
}

const constant = (source: string, value: Value): Expression => ({ source, value: () => value });
const name = (of: string): Expression => constant(of, NAMES[of] === undefined ? MISSING : NAMES[of].value);
const names = (...of: string[]): fc.Arbitrary<Expression> => fc.constantFrom(...of.map(name));

const small = fc.integer({ min: -12, max: 12 });
const position = fc.option(fc.integer({ min: -4, max: 4 }), { nil: null });

const ofText =
  (use: (value: string) => Value) =>
  (value: Value): Value =>
    typeof value === 'string' ? use(value) : raise('not a string');

/** A method of strings: nothing else has it. */
function method(call: string, use: (value: string) => Value): (of: Expression) => Expression {
  return ({ source, value }) => ({ source: `(${source}).${call}`, value: () => ofText(use)(value()) });
}

/** A filter: `of | name`. */
function filter(call: string, use: (value: Value) => Value): (of: Expression) => Expression {
  return ({ source, value }) => ({ source: `(${source} | ${call})`, value: () => use(value()) });
}

function binary(sign: string, use: (a: Value, b: Value) => Value): (a: Expression, b: Expression) => Expression {
  return (a, b) => ({ source: `(${a.source} ${sign} ${b.source})`, value: () => use(a.value(), b.value()) });
}

const items = (value: Value): readonly Value[] => {
  if (Array.isArray(value)) return value;
  if (value instanceof Tuple) return value.items;
  if (value instanceof Map) return [...value.keys()];
  if (typeof value === 'string') return Array.from(value);
  return value === MISSING ? [] : raise('it is not iterable');
};

/** Tests that every value can be put to. */
const TESTS: Readonly<Record<string, (value: Value) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => python.numeric(value) !== null,
  none: (value) => value === null,
  defined: (value) => value !== MISSING,
  undefined: (value) => value === MISSING,
  mapping: (value) => value instanceof Map,
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => typeof value === 'bigint',
  float: (value) => typeof value === 'number',
  true: (value) => value === true,
  false: (value) => value === false,
  iterable: (value) => value === MISSING || (typeof value === 'object' && value !== null) || typeof value === 'string',
  sequence: (value) => value === MISSING || (typeof value === 'object' && value !== null) || typeof value === 'string',
};

interface Grammar {
  any: Expression;
  number: Expression;
  text: Expression;
  truth: Expression;
  list: Expression;
  map: Expression;
}

/** One in 32 is of another kind than it should be. */
const { any } = fc.letrec<Grammar>((tie: fc.LetrecTypedTie<Grammar>): fc.LetrecValue<Grammar> => {
  const or = (kind: keyof Grammar): fc.Arbitrary<Expression> =>
    fc.oneof({ arbitrary: tie(kind), weight: 31 }, { arbitrary: tie('any'), weight: 1 });
  const options = { depthSize: 'small', withCrossShrink: true, maxDepth: 4 } as const;
  const choice = (ternary: fc.Arbitrary<Expression>) =>
    fc.tuple(ternary, tie('truth'), ternary).map(([a, when, b]) => ({
      source: `(${a.source} if ${when.source} else ${b.source})`,
      value: () => (python.isTrue(when.value()) ? a.value() : b.value()),
    }));

  const number = fc.oneof(
    options,
    fc.oneof(
      small.map((value) => constant(value < 0 ? `(${value})` : String(value), BigInt(value))),
      small.map((value) => constant(`(${python.floatText(value / 4)})`, value / 4)),
      names('n', 'f'),
    ),
    fc
      .tuple(fc.constantFrom<python.Arithmetic>('+', '-', '*', '/', '//', '%'), or('number'), or('number'))
      .map(([sign, a, b]) => binary(sign, (x, y) => python.arithmetic(sign, x, y))(a, b)),
    // Whole numbers of either sign, where Python and JavaScript round to different sides.
    fc.tuple(fc.constantFrom<python.Arithmetic>('//', '%'), small, small).map(([sign, a, b]) => ({
      source: `((${a}) ${sign} (${b}))`,
      value: () => python.arithmetic(sign, BigInt(a), BigInt(b)),
    })),
    or('list').map(filter('length', python.length)),
    or('text').map(filter('length', python.length)),
    fc.tuple(or('text'), text).map(([of, part]) =>
      method(`find(${literal(part)})`, (value) => {
        const place = value.indexOf(part);
        return BigInt(place < 0 ? -1 : Array.from(value.slice(0, place)).length);
      })(of),
    ),
    choice(tie('number')),
  );

  const ofStrip = fc.constantFrom(
    ['strip', 'both'] as const,
    ['lstrip', 'left'] as const,
    ['rstrip', 'right'] as const,
  );
  const textual = fc.oneof(
    options,
    fc.oneof(
      text.map((value) => constant(literal(value), value)),
      names('word'),
    ),
    fc.tuple(or('text'), or('text')).map(([a, b]) => binary('+', (x, y) => python.arithmetic('+', x, y))(a, b)),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => binary('~', (x, y) => python.str(x) + python.str(y))(a, b)),
    or('text').map(method('upper()', (value) => value.toUpperCase())),
    fc
      .tuple(or('text'), ofStrip, fc.option(text, { nil: null }))
      .map(([of, [called, ends], characters]) =>
        method(`${called}(${characters === null ? '' : literal(characters)})`, (value) =>
          python.strip(value, characters, ends),
        )(of),
      ),
    // White space to one language and not to the other, at the ends.
    fc
      .tuple(fc.constantFrom('\x1c', '\x1f', '\x85', '\ufeff', '\u200b', '\u2028', '\u3000'), text)
      .map(([space, of]) => constant(literal(space + of), space + of))
      .map(method('strip()', (value) => python.strip(value, null))),
    tie('text').map(filter('trim', (value) => python.strip(python.str(value), null))),
    fc
      .tuple(or('text'), text, text, fc.constantFrom(null, 0, 1, 2))
      .map(([of, old, by, count]) =>
        method(`replace(${literal(old)}, ${literal(by)}${count === null ? '' : `, ${count}`})`, (value) =>
          python.replace(value, old, by, count ?? Infinity),
        )(of),
      ),
    fc.tuple(tie('text'), position, position, fc.constantFrom(null, 1, 2, -1)).map(sliced),
    tie('any').map(filter('string', python.str)),
    tie('any').map(filter('tojson', (value) => python.json(value))),
    fc
      .tuple(tie('any'), fc.constantFrom(0, 1, 4))
      .map(([of, indent]) => filter(`tojson(indent=${indent})`, (value) => python.json(value, indent))(of)),
    fc
      .tuple(or('list'), text)
      .map(([of, between]) =>
        filter(`join(${literal(between)})`, (value) => items(value).map(python.str).join(between))(of),
      ),
    choice(tie('text')),
  );

  const truth = fc.oneof(
    options,
    fc.oneof(fc.constantFrom(constant('true', true), constant('False', false)), names('yes')),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => binary('==', python.equals)(a, b)),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => binary('!=', (x, y) => !python.equals(x, y))(a, b)),
    fc
      .tuple(
        fc.constantFrom('<', '<=', '>', '>='),
        fc.oneof(fc.tuple(tie('number'), or('number')), fc.tuple(tie('text'), or('text'))),
      )
      .map(([sign, [a, b]]) => binary(sign, (x, y) => python.compare(sign, x, y))(a, b)),
    fc
      .tuple(tie('any'), fc.oneof(or('list'), tie('map')))
      .map(([a, b]) => binary('in', (x, y) => python.contains(y, x))(a, b)),
    fc.tuple(tie('text'), or('text')).map(([a, b]) => binary('not in', (x, y) => !python.contains(y, x))(a, b)),
    fc.tuple(tie('any'), fc.constantFrom(...Object.keys(TESTS)), fc.boolean()).map(([of, test, isNegated]) => ({
      source: `(${of.source} is ${isNegated ? 'not ' : ''}${test})`,
      value: () => TESTS[test]?.(of.value()) !== isNegated,
    })),
    tie('any').map(({ source, value }) => ({ source: `(not ${source})`, value: () => !python.isTrue(value()) })),
    fc
      .tuple(fc.constantFrom('startswith', 'endswith'), or('text'), text)
      .map(([called, of, part]) =>
        method(`${called}(${literal(part)})`, (value) =>
          called === 'startswith' ? value.startsWith(part) : value.endsWith(part),
        )(of),
      ),
  );

  const list = fc.oneof(
    options,
    fc.oneof(names('list', 'words'), fc.constant(constant('[]', []))),
    fc.array(tie('any'), { maxLength: 3 }).map((parts) => ({
      source: `[${parts.map(({ source }) => source).join(', ')}]`,
      value: () => parts.map(({ value }) => value()),
    })),
    fc.array(tie('any'), { minLength: 1, maxLength: 2 }).map((parts) => ({
      source: `(${parts.map(({ source }) => source).join(', ')},)`,
      value: () => new Tuple(parts.map(({ value }) => value())),
    })),
    fc.tuple(or('list'), or('list')).map(([a, b]) => binary('+', (x, y) => python.arithmetic('+', x, y))(a, b)),
    fc.tuple(tie('list'), position, position, fc.constantFrom(null, 1, 2, -1)).map(sliced),
    fc
      .tuple(or('text'), fc.option(text, { nil: null }))
      .map(([of, separator]) =>
        method(`split(${separator === null ? '' : literal(separator)})`, (value) => python.split(value, separator))(of),
      ),
    tie('list').map(filter('reverse | list', (value) => items(value).toReversed())),
    tie('list').map(filter('select | list', (value) => items(value).filter(python.isTrue))),
    tie('list').map(filter("map('string') | list", (value) => items(value).map(python.str))),
    tie('map').map(filter('list', (value) => [...items(value)])),
  );

  const map = fc.oneof(
    options,
    names('map'),
    fc
      .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', "it's", ''), tie('any')), {
        maxLength: 3,
        selector: ([key]) => key,
      })
      .map((entries) => ({
        source: `{${entries.map(([key, { source }]) => `${literal(key)}: ${source}`).join(', ')}}`,
        value: () => new Map(entries.map(([key, { value }]): [string, Value] => [key, value()])),
      })),
  );

  const among = fc.oneof(
    options,
    fc.oneof(tie('number'), tie('text'), tie('truth'), tie('list'), tie('map')),
    names('nil', 'missing'),
    fc.tuple(fc.constantFrom('and', 'or'), tie('any'), tie('any')).map(([sign, a, b]) => ({
      source: `(${a.source} ${sign} ${b.source})`,
      value: (): Value => {
        const first = a.value();
        return python.isTrue(first) === (sign === 'or') ? first : b.value();
      },
    })),
    fc.tuple(or('list'), fc.integer({ min: -3, max: 3 })).map(([of, index]) => ({
      source: `(${of.source})[${index}]`,
      value: () => python.at(of.value(), index),
    })),
    fc.tuple(tie('map'), fc.constantFrom('a', 'b', 'x y', 'zz')).map(([of, key]) => ({
      source: `(${of.source}).get('${key}')`,
      value: (): Value => {
        const found = of.value();
        return found instanceof Map ? (found.get(key) ?? null) : raise('not a dict');
      },
    })),
    fc.tuple(tie('any'), tie('any')).map(([of, otherwise]) => ({
      source: `(${of.source} | default(${otherwise.source}))`,
      value: (): Value => {
        const [value, other]: [Value, Value] = [of.value(), otherwise.value()];
        return value === MISSING ? other : value;
      },
    })),
  );
  return { any: among, number, text: textual, truth, list, map };
});

function sliced([of, start, stop, step]: [Expression, number | null, number | null, number | null]): Expression {
  const source = `(${of.source})[${start ?? ''}:${stop ?? ''}${step === null ? '' : `:${step}`}]`;
  return { source, value: () => python.slice(of.value(), start, stop, step) };
}

export const expressions: fc.Arbitrary<Expression> = any;

/** What `{{ }}` prints of it; null where Python raises. */
export function printed({ value }: Expression): string | null {
  try {
    return python.str(value());
  } catch (error) {
    if (error instanceof PythonError) return null;
    throw error;
  }
}
