import { describe, expect, it } from 'vitest';
import { divergence, likeliest, logProbabilities } from '../../../src/diagnosis/parity/distributions.ts';

const logits = [0.3, -1.7, 2.5, 0, 11.25, -30];

describe('the distance of two distributions', () => {
  it('is Σ p·(log p − log q) where they are far apart', () => {
    const [p, q] = [logProbabilities(logits), logProbabilities([1, 2, 3, 4, 5, 6])];
    const naive = p.reduce((sum, lp, i) => sum + Math.exp(lp) * (lp - (q[i] ?? 0)), 0);
    expect(divergence(p, q) / naive).toBeCloseTo(1, 12);
  });

  it('is half the variance of the difference where they are close, down to 1e-26', () => {
    for (const size of [1e-3, 1e-6, 1e-9, 1e-12]) {
      const p = logProbabilities([0, 0]);
      const q = p.map((value, i) => value + (i === 0 ? size : -size));
      expect(divergence(p, q) / (size * size * 0.5)).toBeCloseTo(1, 2);
    }
  });

  it('is 0 of equals, also of logits that differ by a constant, and NaN where a logit is', () => {
    const p = logProbabilities(logits);
    expect(divergence(p, p)).toBe(0);
    expect(divergence(p, logProbabilities(logits.map((logit) => logit + 64)))).toBeLessThan(1e-28);
    expect(divergence(p, logProbabilities(logits.with(3, Number.NaN)))).toBeNaN();
  });

  it('stays finite where one side rules out what the other thinks likely', () => {
    const kl = divergence(logProbabilities([0, -2000]), logProbabilities([-2000, 0]));
    expect(kl).toBeCloseTo(2000, 6);
  });
});

it('the likeliest of equals is the lowest id, and nobody where one is NaN', () => {
  expect(likeliest([1, 3, 3])).toBe(1);
  expect(likeliest([1, Number.NaN, 3])).toBeNull();
});
