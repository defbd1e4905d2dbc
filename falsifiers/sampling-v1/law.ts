// What sampling should do, the slow and clear way: ranks, probabilities, the kept set; and how surprising a tally of draws
// is under exact probabilities. Written from the definitions, not from the product.
import fc from 'fast-check';

/** Few distinct values, so that there are ties, and zeros of both signs; or any. At least one is finite. */
export const logitRows: fc.Arbitrary<Float32Array> = fc
  .oneof(
    fc.array(fc.constantFrom(0, -0, 1, 2, 2, -1, -Infinity), { minLength: 1, maxLength: 24 }),
    fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 24 }),
  )
  .map((values) => Float32Array.from(values.some(Number.isFinite) ? values : [...values, 0]));

/** Ids, the greatest logit first, of equals the lowest id. */
export function ranked(logits: Float32Array): number[] {
  return Array.from(logits.keys()).toSorted((a, b) => {
    const [x, y] = [logits[a] ?? Number.NaN, logits[b] ?? Number.NaN];
    return x === y ? a - b : y - x;
  });
}

/** Probability of each of `ids` among them, at a temperature. */
export function probabilitiesOf(logits: Float32Array, ids: readonly number[], temperature: number): number[] {
  const most = Math.max(...ids.map((id) => logits[id] ?? Number.NaN));
  const weights = ids.map((id) => Math.exp(((logits[id] ?? Number.NaN) - most) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** Cumulative probabilities this near to top-p may fall either way: sums of a row in double differ by far less. */
const BORDER = 1e-9;

/** Tokens that top-k, then top-p keep, the likeliest first; null where a sum is too near to top-p to say. */
export function keptSet(logits: Float32Array, temperature: number, topK: number, topP: number): number[] | null {
  const first = ranked(logits).slice(0, topK === 0 ? logits.length : topK);
  if (topP === 1) return first;
  const kept: number[] = [];
  let sum = 0;
  for (const [n, probability] of probabilitiesOf(logits, first, temperature).entries()) {
    kept.push(first[n] ?? 0);
    sum += probability;
    if (Math.abs(sum - topP) < BORDER) return null;
    if (sum >= topP) break;
  }
  return kept;
}

/**
 * Decimal digits by which a tally of draws is improbable: −log10 of a bound on the probability that n draws from
 * `probabilities` have a relative entropy as large as theirs. P(n·KL ≥ t) ≤ (e·t/(k − 1))^(k − 1) · e^(−t) for t > k − 1
 * (Agrawal 2020, Finite-sample concentration of the multinomial in relative entropy, theorem 1.2). Infinite where a token
 * of probability 0 was drawn.
 */
export function surpriseOf(counts: readonly number[], probabilities: readonly number[]): number {
  const draws = counts.reduce((sum, count) => sum + count, 0);
  let t = 0;
  for (const [i, count] of counts.entries()) {
    if (count > 0) t += count * Math.log(count / draws / (probabilities[i] ?? 0));
  }
  if (t === Infinity) return Infinity;
  const degrees = probabilities.filter((probability) => probability > 0).length - 1;
  if (degrees === 0) return t > 1e-6 ? Infinity : 0;
  if (!(t > degrees)) return Number.isNaN(t) ? Number.NaN : 0;
  return (t - degrees * (1 + Math.log(t / degrees))) / Math.LN10;
}
