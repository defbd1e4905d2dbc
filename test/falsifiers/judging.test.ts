// The numbers that the kernel and sampling falsifiers judge by: what they say of cases whose answer is known. A judge
// that calls everything within budget would let every planted fault but none of these pass.
import { describe, expect, it } from 'vitest';
import { budgetRatio, differingElements } from '../../falsifiers/kit/judges/budget-ratio.ts';
import { worstRowError } from '../../falsifiers/kit/judges/comparisons.ts';
import { divergences } from '../../falsifiers/kit/claims/hf-parity.ts';
import { relativeError } from '../../falsifiers/kit/models/tiny-packs.ts';
import { keptSet, surpriseOf } from '../../falsifiers/sampling-v1/law.ts';

const ratio = (engine: number, reference: number, proven: number): number =>
  budgetRatio(Float32Array.of(0, engine), { reference: [0, reference], proven: [0, proven] });

describe('an error in units of its budget', () => {
  it('is the worst of all elements', () => {
    expect(ratio(1.5, 1, 0.25)).toBe(2);
    expect(ratio(1, 1, 0)).toBe(0);
    expect(ratio(1.5, 1, 0)).toBe(Infinity);
  });

  it('is infinite where one side is finite and the other is not', () => {
    expect(ratio(Number.NaN, 1, 1)).toBe(Infinity);
    expect(ratio(1, Number.NaN, Number.NaN)).toBe(Infinity);
    expect(ratio(Infinity, 1e30, 1)).toBe(Infinity);
    expect(ratio(Infinity, -Infinity, 1)).toBe(Infinity);
    expect(ratio(Number.NaN, Number.NaN, Number.NaN)).toBe(0);
  });

  it('forgives an overflow that the reference is at', () => {
    expect(ratio(Infinity, 3.5e38, 1e31)).toBe(0);
    expect(ratio(-Infinity, 3.5e38, 1e31)).toBe(Infinity);
  });

  it('is NaN, which no bar accepts, where nothing is judged', () => {
    expect(ratio(1, 2, Infinity)).toBeNaN();
    expect(budgetRatio(new Float32Array(0), { reference: [], proven: [] })).toBeNaN();
    expect(budgetRatio(new Float32Array(2), { reference: [0], proven: [0] })).toBeNaN();
    expect(differingElements(new Float32Array(1), new Float32Array(2))).toBeNaN();
  });

  it('counts bits where an op rounds once: the sign of a zero, and any NaN as any NaN', () => {
    expect(differingElements(Float32Array.of(0, 1, Number.NaN), Float32Array.of(-0, 1, Number.NaN))).toBe(1);
  });
});

describe('an error relative to its row, or to the largest value', () => {
  const reference = [1, 2, 3, 4];
  it('is the worst of all rows', () => {
    expect(worstRowError(reference, [1, 3, 3, 4], 2)).toBeCloseTo(Math.sqrt(1 / 5));
    expect(relativeError([1, 3, 3, 4], reference)).toBe(0.25);
  });

  it.each([0, 1, 2, 3])('is NaN, which no bar accepts, where element %i is', (at) => {
    const broken = reference.map((value, i) => (i === at ? Number.NaN : value + 1e-3));
    expect(worstRowError(reference, broken, 2)).toBeNaN();
    expect(relativeError(broken, reference)).toBeNaN();
  });
});

describe('the divergences of an engine', () => {
  const reference = [0, 1, 0, 1];
  it('are one a position', () => {
    expect(divergences(reference, Float32Array.from(reference), 2)).toEqual([0, 0]);
  });

  it.each([[[]], [[0, 1]], [[0, 1, 0, 1, 0, 1]]])('are NaN, which no bar accepts, where it gives %j', (logits) => {
    const [first] = divergences(reference, Float32Array.from(logits), 2);
    expect(first).toBeNaN();
  });
});

describe('the surprise of a tally', () => {
  /** P(at least `heads` of `tosses`), exactly. */
  function tail(tosses: number, heads: number): number {
    let [weight, sum] = [0.5 ** tosses, 0];
    for (let k = 0; k <= tosses; k++) {
      if (k >= heads) sum += weight;
      weight *= (tosses - k) / (k + 1);
    }
    return sum;
  }

  it.each([80, 90, 100])('never overstates how improbable %i heads of 100 are', (heads) => {
    const digits = surpriseOf([heads, 100 - heads], [0.5, 0.5]);
    expect(digits).toBeLessThanOrEqual(-Math.log10(2 * tail(100, heads)));
    expect(digits).toBeGreaterThan(0.5 * -Math.log10(2 * tail(100, heads)));
  });

  it('is 0 for what is expected and infinite for what is impossible', () => {
    expect(surpriseOf([50, 50], [0.5, 0.5])).toBe(0);
    expect(surpriseOf([99, 1], [1, 0])).toBe(Infinity);
    expect(surpriseOf([99, 1, 0], [0.5, 0, 0.5])).toBe(Infinity);
  });
});

describe('the kept set', () => {
  it('is the top k, ties to the lower id, and then as few as reach p', () => {
    const logits = Float32Array.from([1, 4, 1, 1].map(Math.log2));
    expect(keptSet(logits, 1, 3, 1)).toEqual([1, 0, 2]);
    expect(keptSet(logits, 1, 0, 0.01)).toEqual([1]);
    expect(keptSet(Float32Array.of(0, 0), 1, 0, 0.5)).toBeNull();
  });
});
