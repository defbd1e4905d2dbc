// The choices that logits lead to.
import { expect, test } from 'vitest';
import { compareChoices, topIndices } from '../../../src/diagnosis/compare/positions.ts';

test('the lowest index of equal values comes first', () => {
  expect(topIndices(Float32Array.of(1, 3, 3, 2, 3), 3)).toEqual([1, 2, 4]);
  expect(topIndices(Float32Array.of(-Infinity, -Infinity), 5)).toEqual([0, 1]);
});

test('a NaN among the logits leaves no choice and no agreement', () => {
  expect(topIndices(Float32Array.of(1, NaN, 3), 2)).toEqual([]);
  const a = Float32Array.of(1, NaN, 3);
  expect(compareChoices(a, a.slice(), 3)[0]).toMatchObject({ argmaxA: null, isSameArgmax: false, topOverlap: 0 });
});

test('reports the choice, the margin and the overlap of the five largest', () => {
  const a = Float32Array.of(9, 8, 7, 6, 5, 4, 3);
  const b = Float32Array.of(9, 9.5, 7, 6, 1, 8, 3);
  expect(compareChoices(a, b, 7)).toEqual([
    { position: 0, argmaxA: 0, argmaxB: 1, isSameArgmax: false, marginA: 1, topOverlap: 4, topCount: 5 },
  ]);
});

test('rows that do not fill the data are refused', () => {
  expect(() => compareChoices(new Float32Array(5), new Float32Array(5), 2)).toThrow(RangeError);
});
