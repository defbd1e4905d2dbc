// Rows as formats make them: what a person can check by hand. That ggml stores the same: the claims of subject-formats-v1.
import { describe, expect, it } from 'vitest';
import { roundActivations, roundCache, stepsOf } from '../../../src/diagnosis/reference/activations.ts';
import { roundToQ81 } from '../../../src/diagnosis/reference/activations/q8_1.ts';
import { randomFloats } from '../../cases/random-blocks.ts';
import { refusal } from '../../fixtures/refusal.ts';

const rowOf = (count: number, ...first: number[]): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => first[i] ?? 0);

describe('halves', () => {
  it('are the nearest, the even one of two as near', () => {
    const x = Float64Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 65_519.9, 65_520, 2 ** -24, 2 ** -25);
    expect([...roundActivations(x, 'f16').values]).toEqual([1, 1 + 2 ** -9, 65_504, Infinity, 2 ** -24, 0]);
    const y = Float64Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8, -(2 ** -133), 2 ** -134, 3.4e38);
    expect([...roundActivations(y, 'bf16').values]).toEqual([1, 1 + 2 ** -6, -(2 ** -133), 0, Infinity]);
  });

  it('have one value each, and no sums', () => {
    for (const format of ['f16', 'bf16'] as const) {
      expect(roundActivations(Float64Array.of(Math.PI), format)).toMatchObject({ tieSteps: null, sums: null });
    }
  });

  it('keep what is not finite', () => {
    for (const format of ['f16', 'bf16'] as const) {
      const { values } = roundActivations(Float64Array.of(Number.NaN, Infinity, -Infinity), format);
      expect([...values]).toEqual([Number.NaN, Infinity, -Infinity]);
    }
  });
});

describe('8-bit activations', () => {
  it('are d times an integer, within half a step of the value', () => {
    for (const [format, tolerance] of [
      ['q8_0', 2 ** -11],
      ['q8_1', 2 ** -11],
      ['q8_k', 2 ** -22],
    ] as const) {
      const x = Float64Array.from(randomFloats(3, 512, 1));
      const { values } = roundActivations(x, format);
      const steps = stepsOf(x, format);
      for (const [i, value] of values.entries()) {
        const [exact, step] = [x[i] ?? 0, steps[i] ?? 0];
        expect(Math.abs(value - exact)).toBeLessThanOrEqual(0.5 * step + 2 * tolerance * Math.abs(exact));
      }
    }
  });

  it('in q8_0 are either neighbour at a tie: the middle, and half a step either way', () => {
    const { values, tieSteps } = roundActivations(rowOf(32, 127, 2.5, -3.5, 3), 'q8_0');
    expect([...values.subarray(0, 4)]).toEqual([127, 2.5, -3.5, 3]);
    expect([...(tieSteps ?? [])].slice(0, 4)).toEqual([0, 0.5, 0.5, 0]);
  });

  it('in q8_K are the even neighbour at a tie', () => {
    const { values, tieSteps } = roundActivations(rowOf(256, -127, 2.5, -3.5, 3), 'q8_k');
    expect([...values.subarray(0, 4)]).toEqual([-127, 2, -4, 3]);
    expect((tieSteps ?? []).every((step) => step === 0)).toBe(true);
  });

  it('in q8_K are both where a product rounded to float32 falls to another integer than the product', () => {
    // 127/7.875 in float32, times 3.9375, is 63.499998; rounded to float32 it is 63.5.
    const { values, tieSteps } = roundActivations(rowOf(256, 7.875, 3.9375), 'q8_k');
    const step = (values[0] ?? 0) / 127;
    expect((values[1] ?? 0) / step).toBe(63.5);
    expect((tieSteps?.[1] ?? 0) / step).toBe(0.5);
  });

  it('store the step of q8_0 as float16, and that of q8_K as float32', () => {
    const [step] = roundActivations(rowOf(32, 1), 'q8_0').values;
    expect(step).toBe(127 * Math.f16round(Math.fround(1 / 127)));
    const [exact] = roundActivations(rowOf(256, 1), 'q8_k').values;
    expect(exact).toBe(127 * Math.fround(1 / 127));
  });

  it('take the scale from the largest magnitude of a block, and from no other block', () => {
    const x = rowOf(64, -1000, 1);
    x[32] = 1;
    const { values } = roundActivations(x, 'q8_0');
    expect(values[1]).toBe(0);
    expect(values[32]).toBeCloseTo(1, 3);
  });

  it('of zeros, and of numbers too small for a step, are zeros', () => {
    for (const size of [0, 1e-40]) {
      for (const format of ['q8_0', 'q8_1', 'q8_k'] as const) {
        const { values } = roundActivations(rowOf(256, size, -size), format);
        expect(values.every((value) => value === 0)).toBe(true);
      }
    }
  });

  it('are refused where rows do not fill blocks', async () => {
    await refusal('E_ACTIVATION_BLOCK', () => roundActivations(rowOf(48), 'q8_0'));
    await refusal('E_ACTIVATION_BLOCK', () => roundActivations(rowOf(128), 'q8_k'));
  });
});

describe('the sum beside a block of q8_1', () => {
  it('is off by its rounding to float16, and by that of the step', () => {
    const x = Float64Array.from(randomFloats(7, 32, 1));
    const { values, sums } = roundToQ81(x);
    const extreme = x.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const step = Math.fround(extreme / 127);
    const total = values.reduce((sum, value) => sum + Math.round(value / Math.f16round(step)), 0);
    expect(sums.errors).toEqual(
      Float64Array.of(Math.f16round(Math.fround(step * total)) - Math.f16round(step) * total),
    );
    expect(sums.slacks).toEqual(Float64Array.of(0));
  });

  it('is one of several where a tie makes several', () => {
    // 4,065 has no float16, 4,064 and 4,068 have; the tie is 0 or 1.
    const { sums } = roundToQ81(Float64Array.from({ length: 32 }, (_, i) => (i === 0 ? 0.5 : 127)));
    expect(Math.f16round(31 * 127)).not.toBe(31 * 127);
    const off = [0, 1].map((tie) => Math.f16round(31 * 127 + tie) - (31 * 127 + tie));
    expect(sums.errors[0]).toBe(((off[0] ?? 0) + (off[1] ?? 0)) / 2);
    expect(sums.slacks[0]).toBe(Math.abs((off[0] ?? 0) - (off[1] ?? 0)) / 2);
  });
});

describe('cached rows', () => {
  it('are rounded as activations are', () => {
    const rows = Float64Array.from(randomFloats(9, 64, 1));
    for (const format of ['f16', 'bf16', 'q8_0'] as const) {
      expect(roundCache(rows, format)).toEqual(roundActivations(rows, format));
    }
  });

  it('in float32 and double are one rounding away, and none', () => {
    const rows = Float64Array.of(0.1);
    expect(roundCache(rows, 'f32').values[0]).toBe(Math.fround(0.1));
    expect(roundCache(rows, 'f64').values[0]).toBe(0.1);
  });
});
