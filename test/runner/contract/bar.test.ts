// What is within a bar: no NaN, and no extreme over nothing.
import { describe, expect, it } from 'vitest';
import type { Bar } from '../../../src/runner/contract/bar.ts';
import { isWithin, isWorse } from '../../../src/runner/contract/bar.ts';

const bar = (comparator: Bar['comparator']): Bar => ({
  metric: 'rho',
  comparator,
  threshold: 1,
  unit: 'budgets',
  basis: 'test',
});

describe('a bar', () => {
  it.each(['<=', '<', '>=', '>', '=='] as const)('with %s holds no NaN', (comparator) => {
    expect(isWithin(bar(comparator), Number.NaN)).toBe(false);
    expect(isWorse(bar(comparator), Number.NaN, 1)).toBe(true);
  });

  it('holds no largest and no smallest of nothing', () => {
    for (const comparator of ['<=', '<'] as const) {
      expect(isWithin(bar(comparator), Math.max())).toBe(false);
      expect(isWorse(bar(comparator), Math.max(), 1)).toBe(true);
      expect(isWithin(bar(comparator), 0.5)).toBe(true);
    }
    for (const comparator of ['>=', '>'] as const) {
      expect(isWithin(bar(comparator), Math.min())).toBe(false);
      expect(isWorse(bar(comparator), Math.min(), 1)).toBe(true);
      expect(isWithin(bar(comparator), 2)).toBe(true);
    }
  });
});
