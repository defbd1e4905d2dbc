// Equality of plain data.
import { expect, it } from 'vitest';
import { isSamePlain } from '../../../src/diagnosis/recordings/is-same-plain.ts';

const data = { ops: [{ op: 'add', eps: Number.NaN, at: null }], dims: [1, 2], name: 'x' };

it('finds data equal to a copy of it, whatever the order of its keys', () => {
  expect(isSamePlain(data, structuredClone(data))).toBe(true);
  expect(isSamePlain({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true);
});

it.each([
  [{ ...data, name: 'y' }],
  [{ ...data, more: undefined }],
  [{ ...data, dims: [1, 2, 3] }],
  [{ ...data, dims: { 0: 1, 1: 2 } }],
  [{ ...data, ops: [{ op: 'add', eps: 0, at: null }] }],
  [{ ...data, ops: null }],
])('finds every difference: %j', (other) => {
  expect(isSamePlain(data, other)).toBe(false);
  expect(isSamePlain(other, data)).toBe(false);
});

it('tells -0 from 0, and a list that lacks an entry from one whose entry is undefined', () => {
  expect(isSamePlain([0], [-0])).toBe(false);
  expect(isSamePlain({ a: undefined }, { b: undefined })).toBe(false);
});
