import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StatisticsBuilder, statisticsOf } from '../../../src/engine/capture/statistics.ts';

describe('statisticsOf', () => {
  it('is right on a hand-computed case', () => {
    expect(statisticsOf(Float32Array.of(1, 3, 0, -0))).toEqual({
      count: 4,
      mean: 1,
      std: Math.sqrt(1.5),
      rms: Math.sqrt(2.5),
      min: 0,
      max: 3,
      nanCount: 0,
      infCount: 0,
      zeroCount: 2,
    });
  });

  it('counts NaN and infinities apart, and lets infinities show in the extremes', () => {
    expect(statisticsOf(Float32Array.of(Number.NaN, Infinity, 1, -Infinity, 3))).toEqual({
      count: 5,
      mean: 2,
      std: 1,
      rms: Math.sqrt(5),
      min: -Infinity,
      max: Infinity,
      nanCount: 1,
      infCount: 2,
      zeroCount: 0,
    });
  });

  it('says NaN, not zero, where there is nothing to say', () => {
    const nothing = { mean: Number.NaN, std: Number.NaN, rms: Number.NaN };
    expect(statisticsOf(new Float32Array())).toMatchObject({ ...nothing, count: 0, min: Number.NaN, max: Number.NaN });
    expect(statisticsOf(Float32Array.of(Number.NaN))).toMatchObject({ ...nothing, nanCount: 1, max: Number.NaN });
    expect(statisticsOf(Float32Array.of(Infinity))).toMatchObject({ ...nothing, min: Infinity, max: Infinity });
  });

  it('does not lose a small spread on a large mean', () => {
    const data = Float32Array.from({ length: 1_000 }, (_, i) => 1_000_000 + (i % 2));
    expect(statisticsOf(data).std).toBeCloseTo(0.5, 9);
  });

  it('does not depend on how the elements are cut', () => {
    const property = fc.property(
      fc.float32Array({ maxLength: 60 }),
      fc.nat({ max: 60 }),
      fc.nat({ max: 60 }),
      (data, a, b) => {
        const builder = new StatisticsBuilder();
        const [first, second] = [Math.min(a, b), Math.max(a, b)];
        for (const part of [data.subarray(0, first), data.subarray(first, second), data.subarray(second)])
          builder.add(part);
        const [cut, whole] = [builder.finish(), statisticsOf(data)];
        for (const key of ['count', 'min', 'max', 'nanCount', 'infCount', 'zeroCount'] as const)
          expect(cut[key]).toBe(whole[key]);
        const scale = Math.max(whole.rms, Number.MIN_VALUE);
        for (const key of ['mean', 'std', 'rms'] as const) {
          if (Number.isNaN(whole[key])) expect(cut[key]).toBeNaN();
          else expect(Math.abs(cut[key] - whole[key]) / scale).toBeLessThanOrEqual(1e-7);
        }
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});
