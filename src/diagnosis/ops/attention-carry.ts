// How far attention moves where its inputs deviate. Scores move by up to σ_j and values by up to d_j, so that
//   |out' − out| ≤ Σ_j p_j (e^σ_j − 1) |v_j − out| / D  +  Σ_j p_j e^σ_j d_j / D,   D = Σ_j p_j e^−σ_j
// because Σ p_j (v_j − out) = 0; the first is no more than the farthest value is away, the second than the largest d_j.
//   σ_j = |scale| Σ_c (dq_c (|k_jc − k̄_c| + dk_jc) + |q_c| dk_jc)
// What a query's deviation adds to all scores alike moves no softmax, so it meets the keys less their mean k̄ = Σ p_j k_j;
// the keys as they are where a softcap bends the scores.
import type { AttentionOp } from '../../engine/program/program.ts';
import { softcap } from '../../oracles/float64/ops/softcap.ts';
import { forEachHead, type CachedRows, type QueryHead } from './attention-heads.ts';
import { carryThrough } from './judgement.ts';

interface Deviations {
  q: Float64Array;
  k: Float64Array;
  v: Float64Array;
}

/** @param deviations of q, and of k and v at every position of the cache */
export function carryThroughAttention(
  op: AttentionOp,
  q: Float64Array,
  cache: CachedRows,
  [offQ, offK, offV]: readonly (Float64Array | null)[],
): Float64Array {
  const off = {
    q: offQ ?? new Float64Array(q.length),
    k: offK ?? new Float64Array(cache.keys.length),
    v: offV ?? new Float64Array(cache.values.length),
  };
  const out = new Float64Array(q.length);
  forEachHead(op, q, cache, (head) => carryThroughHead(op, q, cache, off, head, out));
  return out;
}

function carryThroughHead(
  op: AttentionOp,
  q: Float64Array,
  cache: CachedRows,
  off: Deviations,
  head: QueryHead,
  out: Float64Array,
): void {
  const { at, from, width, count } = head;
  const { values } = cache;
  const { below, total, offScores } = scoresOf(op, q, cache, off, head);
  const shares = below.map((score) => Math.exp(score) / total);
  // p_j (e^σ_j − 1); of a large σ_j without p_j, which may be too small for a number.
  const grown = shares.map((share, j) => {
    const offScore = offScores[j] ?? 0;
    return offScore < 1 ? share * Math.expm1(offScore) : Math.exp((below[j] ?? 0) + offScore) / total - share;
  });
  let least = 0;
  for (let j = 0; j < count; j += 1) least += (shares[j] ?? 0) * Math.exp(-(offScores[j] ?? 0));
  for (let c = 0; c < op.headDim; c += 1) {
    let mixed = 0;
    for (let j = 0; j < count; j += 1) mixed += (shares[j] ?? 0) * (values[from + j * width + c] ?? 0);
    let [byScores, farthest, byValues, largest] = [0, 0, 0, 0];
    for (let j = 0; j < count; j += 1) {
      const v = from + j * width + c;
      const [news, offValue] = [Math.abs((values[v] ?? 0) - mixed), off.v[v] ?? 0];
      byScores += (grown[j] ?? 0) * news;
      farthest = Math.max(farthest, news);
      byValues += ((shares[j] ?? 0) + (grown[j] ?? 0)) * offValue;
      largest = Math.max(largest, offValue);
    }
    out[at + c] = atMost(byScores / least, farthest) + atMost(byValues / least, largest);
  }
}

/** The limit too where the bound is no number: it overflowed. */
function atMost(bound: number, limit: number): number {
  return bound <= limit ? bound : limit;
}

/** Scores below the largest, Σ e^ of them, and how far each may move. */
function scoresOf(
  { headDim, scale, softcap: cap }: AttentionOp,
  q: Float64Array,
  { keys }: CachedRows,
  off: Deviations,
  { at, from, width, count }: QueryHead,
): { below: Float64Array; total: number; offScores: Float64Array } {
  const products = new Float64Array(count);
  for (let j = 0; j < count; j += 1) {
    let sum = 0;
    for (let c = 0; c < headDim; c += 1) sum += (q[at + c] ?? 0) * (keys[from + j * width + c] ?? 0);
    products[j] = scale * sum;
  }
  const capped = (x: Float64Array): Float64Array => (cap === undefined ? x : softcap(x, cap));
  const scores = capped(products);
  const largest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const below = scores.map((score) => score - largest);
  const total = below.reduce((sum, score) => sum + Math.exp(score), 0);
  const mean = new Float64Array(headDim);
  for (let j = 0; cap === undefined && j < count; j += 1) {
    const share = Math.exp(below[j] ?? 0) / total;
    for (let c = 0; c < headDim; c += 1) mean[c] = (mean[c] ?? 0) + share * (keys[from + j * width + c] ?? 0);
  }
  const moved = products.map((_, j) => {
    let sum = 0;
    for (let c = 0; c < headDim; c += 1) {
      const k = from + j * width + c;
      const [offKey, away] = [off.k[k] ?? 0, Math.abs((keys[k] ?? 0) - (mean[c] ?? 0))];
      sum += (off.q[at + c] ?? 0) * (away + offKey) + Math.abs(q[at + c] ?? 0) * offKey;
    }
    return Math.abs(scale) * sum;
  });
  return { below, total, offScores: carryThrough(capped, [products], [moved]) };
}
