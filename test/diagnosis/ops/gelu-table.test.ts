// GELU by a table of float16: what a person can check by hand. That ggml's tables are within: FALSIFY-SFMT-006.
import { expect, it } from 'vitest';
import { geluByTable } from '../../../src/diagnosis/ops/gelu-table.ts';

it('beyond ±10 is x or 0, and one value', () => {
  expect(geluByTable([10, 10.3, 1e30, -10, -1e30, Infinity, -Infinity])).toEqual({
    values: Float64Array.of(10, 10.3, 1e30, 0, 0, Infinity, 0),
    slacks: new Float64Array(7),
  });
});

it('is one half, of x rounded to float16, where float32 can make no other of it', () => {
  const { values, slacks } = geluByTable([1, 1 + 2 ** -12, 0, -0.5]);
  expect(slacks).toEqual(new Float64Array(4));
  // 0.841192 to 11 bits.
  expect(values[0]).toBe(Math.f16round(0.841192));
  expect(values[1]).toBe(values[0]);
  expect(values[2]).toBe(0);
});

it('is several halves where 1 + tanh cancels in float32', () => {
  const { values, slacks } = geluByTable([-6.5]);
  expect(Math.abs(values[0] ?? 1)).toBeLessThan(1e-6);
  expect(slacks[0]).toBeGreaterThan(2 ** -24);
});

it('keeps NaN', () => {
  expect(geluByTable([Number.NaN]).values[0]).toBeNaN();
});
