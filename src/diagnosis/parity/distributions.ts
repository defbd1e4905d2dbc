// What logits say as a distribution over the vocabulary: log-probabilities, how far two of them are apart, the
// likeliest token. Constants added to all logits change nothing, so an engine may give either. Pure, in double.
import type { Executor } from '../../engine/program/executor.ts';

/** Natural logarithms of the probabilities; all NaN where a logit is. */
export function logProbabilities(logits: ArrayLike<number>): Float64Array {
  const result = Float64Array.from(logits);
  const most = result.reduce((a, b) => (b <= a ? a : b), -Infinity);
  const logSum = Math.log(result.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
  // One subtraction after the other: their sum would be rounded at the size of the logits.
  return result.map((logit) => logit - most - logSum);
}

/**
 * KL(p ‖ q) = Σ p·(log p − log q), summed as Σ p·(e^−d − 1 + d), d = log p − log q: equal where both sum to 1, no term
 * is negative, and what is left of two nearly equal distributions is not lost in cancellation.
 */
export function divergence(logP: Float64Array, logQ: Float64Array): number {
  let sum = 0;
  for (let id = 0; id < logP.length; id += 1) {
    const [lp, lq] = [logP[id] ?? Number.NaN, logQ[id] ?? Number.NaN];
    const d = lp - lq;
    // Far apart, e^−d may overflow where p is 0: then the term is q.
    sum += Math.abs(d) < 1 ? Math.exp(lp) * smallTerm(d) : Math.exp(lq) - Math.exp(lp) + Math.exp(lp) * d;
  }
  return sum;
}

/** e^−d − 1 + d; below 1e-4 by its series, where expm1 would cancel. */
function smallTerm(d: number): number {
  return Math.abs(d) < 1e-4 ? d * d * (0.5 - d / 6) : Math.expm1(-d) + d;
}

/** Of equals the lowest id; null where a NaN makes it meaningless. */
export function likeliest(logits: ArrayLike<number>): number | null {
  let best = 0;
  for (let id = 0; id < logits.length; id += 1) {
    const logit = logits[id] ?? Number.NaN;
    if (Number.isNaN(logit)) return null;
    if (logit > (logits[best] ?? 0)) best = id;
  }
  return best;
}

/** The logits of one run from position 0, after each token or after the last. */
export async function logitsOf<Data extends Float32Array | Float64Array>(
  executor: Executor<Data>,
  tokens: readonly number[],
  which: 'all' | 'last',
  signal?: AbortSignal,
): Promise<Data> {
  const session = await executor.openSession(tokens.length);
  try {
    return (await session.run({ tokens, logits: which, signal })).logits;
  } finally {
    session.close();
  }
}
