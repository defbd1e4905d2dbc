import { expect, test } from 'vitest';
import { countText } from '../../src/cli/figures.ts';

test('counts are grouped by threes, as the platform would do it', () => {
  const counts = [0, 7, 12, 999, 1_000, 12_345, 999_999, 1_000_000, 98_362_432, Number.MAX_SAFE_INTEGER, -1_234];
  for (const count of counts) expect(countText(count)).toBe(count.toLocaleString('en-US'));
});
