// compareMetadata: nothing is dropped, and a long value shows where it parts.
import { expect, test } from 'vitest';
import { compareMetadata, preview } from '../../../src/diagnosis/compare/metadata.ts';

test('equal data has no differences, long lists included', () => {
  const list = Array.from({ length: 200_000 }, (_, i) => `token ${i}`);
  const data = new Map<string, unknown>([
    ['x', 1],
    ['nan', NaN],
    ['list', list],
    ['nested', [[1], [2]]],
  ]);
  expect(compareMetadata(data, new Map([...data].map(([key, value]) => [key, structuredClone(value)])))).toEqual([]);
});

test('a key of one side only is a difference', () => {
  expect(compareMetadata(new Map([['a', 1]]), new Map([['b', 'x']]))).toEqual([
    { key: 'a', a: 1 },
    { key: 'b', b: 'x' },
  ]);
});

test('texts and lists show where they part', () => {
  const a = new Map<string, unknown>([
    ['text', 'abcX'],
    ['list', [1, 2, 3]],
    ['number', 0],
  ]);
  const b = new Map<string, unknown>([
    ['text', 'abcY'],
    ['list', [1, 2]],
    ['number', -0],
  ]);
  expect(compareMetadata(a, b)).toEqual([
    { key: 'text', from: { unit: 'character', index: 3 }, a: 'X', b: 'Y' },
    { key: 'list', from: { unit: 'value', index: 2 }, a: 3 },
    { key: 'number', a: 0, b: -0 },
  ]);
});

test('a long value is shown by its beginning', () => {
  expect(preview('x'.repeat(100))).toBe(`${'x'.repeat(60)}… (100 characters)`);
  expect(preview([1, 2, 3, 4])).toEqual({ elementCount: 4, first: [1, 2, 3] });
});
