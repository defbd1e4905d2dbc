// Causal grouped-query attention. For the query at position p, head h, and g = floor(h / (headCount / kvHeadCount)):
//   s_j = scale · q[p, h] · k[j, g],   w_j = e^(s_j − max s) / Σ_i e^(s_i − max s),   out[p, h] = Σ_j w_j · v[j, g]
// where a softcap c is given, with c · tanh(s_j / c) in place of s_j,
// over every j ≤ p, or p − window < j ≤ p. Sums run over j from the first that is seen. A NaN among the scores makes
// the whole head NaN. Source: Vaswani et al. 2017 eq. 1, Ainslie et al. 2023 (GQA).
import type { AttentionOp } from '../../../engine/program/program.ts';
import { dot } from './dot.ts';
import { softcap } from './softcap.ts';

/**
 * @param q [rows, headCount · headDim], the last `rows` of the positions
 * @param keys [positions, kvHeadCount · headDim], all of them from position 0
 * @param values as keys
 * @returns [rows, headCount · headDim]
 */
export function attention(op: AttentionOp, q: Float64Array, keys: Float64Array, values: Float64Array): Float64Array {
  const { headCount, kvHeadCount, headDim, window, scale } = op;
  const rowCount = q.length / (headCount * headDim);
  const kvWidth = kvHeadCount * headDim;
  const firstPosition = keys.length / kvWidth - rowCount;
  const out = new Float64Array(q.length);
  for (let row = 0; row < rowCount; row += 1) {
    const position = firstPosition + row;
    const first = window === null ? 0 : Math.max(0, position - window + 1);
    for (let head = 0; head < headCount; head += 1) {
      const outAt = (row * headCount + head) * headDim;
      const kvHead = Math.floor(head / (headCount / kvHeadCount));
      const kvAt = (j: number): number => j * kvWidth + kvHead * headDim;
      const scores = new Float64Array(position - first + 1);
      for (let j = first; j <= position; j += 1) {
        scores[j - first] = scale * dot(q, outAt, keys, kvAt(j), headDim);
      }
      const shares = softmax(op.softcap === undefined ? scores : softcap(scores, op.softcap));
      for (let c = 0; c < headDim; c += 1) {
        let sum = 0;
        for (let j = first; j <= position; j += 1) {
          sum += (shares[j - first] ?? Number.NaN) * (values[kvAt(j) + c] ?? Number.NaN);
        }
        out[outAt + c] = sum;
      }
    }
  }
  return out;
}

function softmax(scores: Float64Array): Float64Array {
  // Math.max answers NaN where there is one.
  const largest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const powers = scores.map((score) => Math.exp(score - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}
