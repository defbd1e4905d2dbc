// What is peculiar to one op's budget. Engines that must stay within, and faults that must not: budgets.test.ts.
import { describe, expect, it } from 'vitest';
import { arithmeticOf } from '../../../src/diagnosis/reference/arithmetic.ts';
import { Lane } from '../../../src/diagnosis/reference/lane.ts';
import { opReference } from '../../../src/diagnosis/reference/op-reference.ts';
import { CPU_PROFILE } from '../../../src/engine/cpu/cpu-profile.ts';
import type { Op } from '../../../src/engine/index.ts';
import { memoryWeights } from '../../oracles/float64/memory-weights.ts';

const arithmetic = arithmeticOf(CPU_PROFILE);

describe('the budget of an rmsnorm', () => {
  // The first channel makes r small, so x · r of the second is 1.7 · 2^-149, which float32 rounds to 2 · 2^-149.
  const x = Float64Array.of(2 ** 50 * 1.25, 2 ** -99 * 1.5);

  it.each([
    { gain: [1, 1000], gainOffset: 0 },
    { gain: [1, -1000], gainOffset: 0 },
    { gain: [0, 999], gainOffset: 1 },
  ])('multiplies what x · r loses in subnormals by the gain: %j', async ({ gain, gainOffset }) => {
    const op: Op = { op: 'rmsnorm', in: 'x', weight: 'g', eps: 1e-6, out: 'y', gainOffset };
    const captured = new Lane(memoryWeights({ g: { shape: [2], data: gain } }), null);
    captured.set('x', x);
    const widths = new Map([
      ['x', 2],
      ['y', 2],
    ]);
    const { reference, expected, proven } = await opReference(
      op,
      { tokens: [0], firstPosition: 0, isLast: true, contextLength: 1 },
      { arithmetic, widths, captured, free: [] },
    );
    const r = Math.fround(1 / Math.fround(Math.sqrt(Math.fround((x[0] ?? 0) ** 2 / 2))));
    const normed = Math.fround((x[1] ?? 0) * r);
    const error = Math.abs(Math.fround(normed * ((gain[1] ?? 0) + gainOffset)) - (reference[1] ?? 0));
    expect(error).toBeGreaterThan(2 * arithmetic.tiny);
    expect(error).toBeLessThanOrEqual(expected[1] ?? 0);
    expect(proven[1]).toBeLessThan(1100 * arithmetic.tiny);
  });
});
