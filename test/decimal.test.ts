// What is a number on a command line, and what is not: the rule by its definition, on generated numbers and spellings.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDecimal, parseWhole } from '../src/decimal.ts';

/** Accepted by `Number`, or by another language, and not by us. */
const OTHER_SPELLINGS = [
  '',
  ' ',
  ' 5 ',
  '5\n',
  '+5',
  '0x10',
  '0b1',
  '0o7',
  '1_000',
  '1,000',
  '5.',
  '٥',
  '５',
  '--5',
  '- 5',
];
const NOT_FINITE = ['nan', 'NaN', 'inf', 'Infinity', '-Infinity', '1e999', '-1e999'];

test('digits are whole numbers, up to the last that a double holds', () => {
  fc.assert(fc.property(fc.maxSafeNat(), (value) => parseWhole(String(value)) === value));
  const above = fc.bigInt({ min: 2n ** 53n, max: 2n ** 80n });
  fc.assert(fc.property(above, (value) => parseWhole(String(value)) === null));
  for (const text of [...OTHER_SPELLINGS, ...NOT_FINITE, '-1', '-0', '1e3', '.5', '1.0']) {
    expect(parseWhole(text), JSON.stringify(text)).toBeNull();
  }
});

test('fractions are read to the bit, in any decimal spelling', () => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(finite, fc.boolean(), (value, isExponential) => {
      const text = isExponential ? value.toExponential() : String(value);
      // String(1e21) has a plus sign in its exponent, which is decimal notation too.
      expect(parseDecimal(text)).toBe(Object.is(value, -0) ? 0 : value);
    }),
  );
  expect([' .5', '.5', '-.5', '0.0', '-0', '1e-3', '1E3'].map(parseDecimal)).toEqual([
    null,
    0.5,
    -0.5,
    0,
    -0,
    1e-3,
    1e3,
  ]);
});

test('what is not finite, becomes 0 or is written otherwise is no fraction', () => {
  for (const text of [...OTHER_SPELLINGS, ...NOT_FINITE, '1e-400', '-1e-400', '.', 'e5', '1e', '1e5.5', '1e+', '1f']) {
    expect(parseDecimal(text), JSON.stringify(text)).toBeNull();
  }
});

test('a text of these characters is read as Number reads it, or not at all', () => {
  const characters = fc.constantFrom(...'0123456789.eE+-_x '.split(''));
  fc.assert(
    fc.property(fc.string({ unit: characters, maxLength: 8 }), (text) => {
      for (const value of [parseWhole(text), parseDecimal(text)]) if (value !== null) expect(value).toBe(Number(text));
    }),
    { numRuns: 2000 },
  );
});
