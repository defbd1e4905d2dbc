import { expect, test } from 'vitest';
import { RandomSource } from '../../../src/engine/text/random-source.ts';

test('gives the published numbers of pcg32 for state 42, stream 54', () => {
  const random = new RandomSource(42);
  const first = Array.from({ length: 6 }, () => random.nextUint32());
  expect(first).toEqual([0xa15c02b7, 0x7b47f409, 0xba1d3330, 0x83d2f293, 0xbfa4784b, 0xcbed606e]);
});

test('a seed gives its numbers again, another seed others', () => {
  const numbers = (seed: number): number[] => {
    const random = new RandomSource(seed);
    return Array.from({ length: 8 }, () => random.nextUnit());
  };
  expect(numbers(7)).toEqual(numbers(7));
  expect(numbers(7)).not.toEqual(numbers(8));
  expect(numbers(Number.MAX_SAFE_INTEGER).every((unit) => unit >= 0 && unit < 1)).toBe(true);
});
