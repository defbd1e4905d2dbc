// The look at a norm's rows that every run takes.
import { expect, test } from 'vitest';
import { hasSilentRow } from '../../../src/engine/cpu/silent-rows.ts';

const rows = (...values: number[]): Float32Array => Float32Array.from(values);

test.each<[string, number[], number[], boolean]>([
  ['a row of zeros for one that is not', [1, 2, 0, 0], [1, 1, 3e19, 3e19], true],
  ['zeros for zeros', [1, 2, 0, 0], [1, 1, 0, -0], false],
  ['a zero that others follow', [0, 2, 0, -1], [1, 1, 1, 1], false],
  ['a NaN in front', [1, 2, Number.NaN, 1], [1, 1, 1, 1], true],
  ['a NaN behind a zero, as of an infinite input', [0, Number.NaN, 1, 1], [1, Infinity, 1, 1], true],
  ['an infinity', [Infinity, 1, 1, 1], [1, 1, 1, 1], true],
  ['the smallest number', [1e-45, 0, -1e-45, 0], [1, 1, 1, 1], false],
])('%s', (_, out, x, is) => {
  expect(hasSilentRow(rows(...out), rows(...x), 2)).toBe(is);
});
