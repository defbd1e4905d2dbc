// What a text may take.
import { expect, it, vi } from 'vitest';
import { inBoundedTime } from '../../src/cli/apr/bounded-time.ts';
import { refusal } from '../fixtures/refusal.ts';

it('passes on what the work gives and throws', () => {
  const list = [1];
  expect(inBoundedTime('', () => list)).toBe(list);
  const error = new RangeError('as it was');
  const fail = vi.fn(() => {
    throw error;
  });
  expect(() => inBoundedTime('', fail)).toThrow(error);
});

it('ends an expression that backtracks without end', async () => {
  const error = await refusal('E_TEXT_TIME', () => inBoundedTime('', () => /(a+)+b/.test('a'.repeat(60)), 1));
  expect(error.message).toContain('1 s');
});
