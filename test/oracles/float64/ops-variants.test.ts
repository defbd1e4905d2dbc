// The formulas that Qwen3, its experts and Gemma 2 add: against integers (fixed-point.ts) within their roundings, and
// against cases whose answer can be said by hand. The ops of every decoder are in ops.test.ts.
import { describe, expect, it } from 'vitest';
import type { Op } from '../../../src/engine/program/program.ts';
import { randomFloats } from '../../cases/random-blocks.ts';
import { excess, exp, fixed, ONE, over, PI, root, times, type Fixed } from './fixed-point.ts';
import type { MemoryWeight } from './memory-weights.ts';
import { ATTENTION, evaluate, U } from './one-op.ts';

const toNumber = (value: Fixed): number => Number(value >> 192n) / 2 ** 64;
const tanh = (y: Fixed): Fixed => {
  const power = exp(times(fixed(2), y));
  return over(power - ONE, power + ONE);
};

describe('gelu', () => {
  it('is within its roundings of x/2 · (1 + tanh u), also where 1 + tanh u cancels', async () => {
    const x = [1, -1, 0.001, -0.001, 3.5, -3.5, 6, -6, -9, ...randomFloats(3, 20, 2)];
    const y = await evaluate({ op: 'gelu', in: 'x', out: 'y' }, { values: { x } });
    const worst = x.map((value, i) => {
      const cubic = times(
        over(fixed(44_715), fixed(1_000_000)),
        times(fixed(value), times(fixed(value), fixed(value))),
      );
      const u = times(root(over(fixed(2), PI)), fixed(value) + cubic);
      const exact = times(over(fixed(value), fixed(2)), ONE + tanh(u));
      // 2u errs by some 6 roundings, which e^ multiplies; e^, sum and quotient by one or two each.
      return excess(y[i] ?? Number.NaN, exact, (6 + 12 * Math.abs(toNumber(u))) * U * Math.abs(toNumber(exact)));
    });
    expect(Math.max(...worst)).toBeLessThanOrEqual(1);
  });

  it('keeps zero and has the limits of the formula', async () => {
    const y = await evaluate({ op: 'gelu', in: 'x', out: 'y' }, { values: { x: [0, -0, 100, -100, Number.NaN] } });
    expect([...y]).toEqual([0, -0, 100, -0, Number.NaN]);
  });
});

describe('softcap', () => {
  it('is within four roundings of cap · tanh(x / cap)', async () => {
    const x = [1e-9, -0.01, 0.5, -3, 29, 100, ...randomFloats(4, 20, 40)];
    const y = await evaluate({ op: 'softcap', in: 'x', cap: 30, out: 'y' }, { values: { x } });
    const worst = x.map((value, i) => {
      const exact = times(fixed(30), tanh(over(fixed(value), fixed(30))));
      return excess(y[i] ?? Number.NaN, exact, 4 * U * Math.abs(toNumber(exact)) + 2 ** -64);
    });
    expect(Math.max(...worst)).toBeLessThanOrEqual(1);
  });
});

describe('scale', () => {
  it('rounds once', async () => {
    const y = await evaluate(
      { op: 'scale', in: 'x', factor: Math.sqrt(48), out: 'y' },
      { values: { x: [1, -2.5, 0.1] } },
    );
    expect([...y]).toEqual([Math.sqrt(48), -2.5 * Math.sqrt(48), 0.1 * Math.sqrt(48)]);
  });
});

describe('rmsnorm', () => {
  const gain: MemoryWeight = { shape: [2], data: [0.5, -0.25] };
  it('normalises each head by itself, with one gain for all', async () => {
    const given = { values: { x: [3, 4, -5, 12, 1, 1, 0.5, 2] }, weights: { gain } };
    const op: Op = { op: 'rmsnorm', in: 'x', weight: 'gain', eps: 1e-5, out: 'y' };
    const heads = await evaluate({ ...op, headCount: 2 }, { ...given, rows: 2 });
    const alone = await evaluate(op, { ...given, rows: 4 });
    expect(heads).toEqual(alone);
  });

  it('adds the offset to the gain', async () => {
    const op: Op = { op: 'rmsnorm', in: 'x', weight: 'gain', eps: 0, out: 'y' };
    const values = { x: [3, 4] };
    const offset = await evaluate({ ...op, gainOffset: 1 }, { values, weights: { gain } });
    const stored = await evaluate(op, { values, weights: { gain: { shape: [2], data: [1.5, 0.75] } } });
    expect(offset).toEqual(stored);
  });
});

describe('attention under a softcap', () => {
  it('weighs by the capped scores', async () => {
    const values = { q: [1, 1], k: [2, -1], v: [10, 20] };
    const [, last = Number.NaN] = await evaluate({ ...ATTENTION, softcap: 3 }, { values, rows: 2 });
    const [a, b] = [Math.exp(3 * Math.tanh(2 / 3)), Math.exp(3 * Math.tanh(-1 / 3))];
    expect(Math.abs(last - (10 * a + 20 * b) / (a + b))).toBeLessThanOrEqual(20 * 12 * U);
    const [, uncapped = Number.NaN] = await evaluate(ATTENTION, { values, rows: 2 });
    expect(Math.abs(uncapped - last)).toBeGreaterThan(0.1);
  });
});

describe('routing', () => {
  const logits = [1, 3, 3, 2, 0, 0, 0, 0];
  it('chooses the largest first, of equals the lower id', async () => {
    const ids = await evaluate(
      { op: 'moeSelect', in: 'l', usedCount: 3, out: 'ids' },
      { values: { l: logits }, rows: 2 },
    );
    expect([...ids]).toEqual([1, 2, 3, 0, 1, 2]);
  });

  it('a NaN is greater than nothing and is kept where it comes first, as the kernel has it', async () => {
    const values = { l: [5, Number.NaN, 3, 7, Number.NaN, 2, 9, 9] };
    const ids = await evaluate({ op: 'moeSelect', in: 'l', usedCount: 4, out: 'ids' }, { values, rows: 2 });
    expect([...ids]).toEqual([3, 0, 1, 2, 0, 2, 3, 1]);
  });

  it('shares by softmax over all, or over the chosen', async () => {
    const op = { op: 'moeRoute', in: 'l', experts: 'ids', out: 's' } as const;
    const values = { l: [0, Math.log(2), 0, 0], ids: [1, 0] };
    const all = await evaluate({ ...op, isRenormalised: false }, { values });
    const chosen = await evaluate({ ...op, isRenormalised: true }, { values });
    for (const [i, wanted] of [2 / 5, 1 / 5].entries())
      expect(Math.abs((all[i] ?? 9) - wanted)).toBeLessThanOrEqual(8 * U);
    for (const [i, wanted] of [2 / 3, 1 / 3].entries())
      expect(Math.abs((chosen[i] ?? 9) - wanted)).toBeLessThanOrEqual(8 * U);
  });

  it('multiplies by the matrix of each slot, on the whole input or on the slot’s own', async () => {
    const weights = { w: { shape: [3, 2, 2], data: [1, 0, 0, 1, 2, 0, 0, 2, 0, 1, 1, 0] } };
    const op = { op: 'expertMatmul', in: 'x', experts: 'ids', weight: 'w', expertCount: 3, out: 'y' } as const;
    const whole = await evaluate(op, { values: { x: [5, 7, 1, 2], ids: [2, 1, 0, 2] }, rows: 2, weights });
    expect([...whole]).toEqual([7, 5, 10, 14, 1, 2, 2, 1]);
    const slotted = await evaluate(op, { values: { x: [5, 7, 1, 2], ids: [2, 1] }, weights });
    expect([...slotted]).toEqual([7, 5, 2, 4]);
  });

  it('sums the slots by their shares', async () => {
    const values = { x: [1, 2, 10, 20, 3, 4, 30, 40], s: [0.5, 0.25, 1, 2] };
    const y = await evaluate({ op: 'moeSum', in: 'x', shares: 's', out: 'y' }, { values, rows: 2 });
    expect([...y]).toEqual([3, 6, 63, 84]);
  });
});
