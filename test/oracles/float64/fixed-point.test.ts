// The ruler itself, against constants from tables.
import { describe, expect, it } from 'vitest';
import {
  approximately,
  cos,
  excess,
  exp,
  fixed,
  log,
  ONE,
  over,
  PI,
  root,
  sin,
  times,
  type Fixed,
} from './fixed-point.ts';

/** The first 48 decimals, cut off. */
function decimals(value: Fixed): string {
  const digits = ((value * 10n ** 48n) >> 256n).toString().padStart(49, '0');
  return `${digits.slice(0, -48)}.${digits.slice(-48)}`;
}

describe('fixed-point numbers', () => {
  it('have the known digits of π, e, √2, ln 2, sin 1 and cos 1', () => {
    expect(decimals(PI)).toBe('3.141592653589793238462643383279502884197169399375');
    expect(decimals(exp(ONE))).toBe('2.718281828459045235360287471352662497757247093699');
    expect(decimals(root(2n * ONE))).toBe('1.414213562373095048801688724209698078569671875376');
    expect(decimals(log(2n * ONE))).toBe('0.693147180559945309417232121458176568075500134360');
    expect(decimals(sin(ONE))).toBe('0.841470984807896506652502321630298999622563060798');
    expect(decimals(cos(ONE))).toBe('0.540302305868139717400936607442976603732310420617');
  });

  it('take doubles exactly and give them back', () => {
    for (const value of [0, -0.1, 1 / 3, 2 ** -60, 123_456.789, -(2 ** 40)])
      expect(approximately(fixed(value))).toBe(value);
    expect(times(fixed(0.5), over(fixed(3), fixed(4)))).toBe(fixed(0.375));
  });

  it('see the last bit of a double', () => {
    const third = over(ONE, 3n * ONE);
    expect(excess(1 / 3, third, 2 ** -55)).toBeLessThanOrEqual(1);
    expect(excess(1 / 3 + 2 ** -54, third, 2 ** -55)).toBeGreaterThan(1);
    expect(excess(Number.NaN, third, 1)).toBeNaN();
  });
});
