// The two attention stages that no executor writes down, from the rotated q and k that it does. float64 inside; where
// q and k are float32, rounded once: a second, slower description of the scores, not the engine's own; the attention
// op is judged by its output.
import type { FloatArray } from '../program/executor.ts';
import type { AttentionOp } from '../program/program.ts';
import { floatsLike } from './floats-like.ts';

export type AttentionShape = Pick<
  AttentionOp,
  'headCount' | 'kvHeadCount' | 'headDim' | 'scale' | 'window' | 'softcap'
>;

/**
 * scores[i, j] = scale · q_i · k_j for one head, under the softcap where there is one; 0 where query i does not see
 * key j (later, or out of the window).
 *
 * @param q [queryCount, headCount · headDim], the last `queryCount` positions
 * @param k [positionCount, kvHeadCount · headDim], all positions from 0
 * @returns [queryCount, positionCount]
 */
export function attentionScores<Data extends FloatArray>(shape: AttentionShape, head: number, q: Data, k: Data): Data {
  return inPrecisionOf(q, headScores(shape, head, q, k).scores);
}

/** softmax over the keys that each query sees, 0 elsewhere; arguments and result as in `attentionScores`. */
export function attentionSoftmax<Data extends FloatArray>(shape: AttentionShape, head: number, q: Data, k: Data): Data {
  const { scores, positionCount, ranges } = headScores(shape, head, q, k);
  for (const [i, { first, end }] of ranges.entries()) {
    const seen = scores.subarray(i * positionCount + first, i * positionCount + end);
    const max = seen.reduce((most, score) => (score <= most ? most : score), -Infinity);
    let sum = 0;
    for (let j = 0; j < seen.length; j += 1) {
      const power = Math.exp((seen[j] ?? Number.NaN) - max);
      seen[j] = power;
      sum += power;
    }
    for (let j = 0; j < seen.length; j += 1) seen[j] = (seen[j] ?? Number.NaN) / sum;
  }
  return inPrecisionOf(q, scores);
}

function inPrecisionOf<Data extends FloatArray>(like: Data, scores: Float64Array): Data {
  const out = floatsLike(like, scores.length);
  out.set(scores);
  return out;
}

interface HeadScores {
  /** [queryCount, positionCount] */
  scores: Float64Array;
  positionCount: number;
  /** Keys that each query sees: [first, end). */
  ranges: { first: number; end: number }[];
}

function headScores(shape: AttentionShape, head: number, q: FloatArray, k: FloatArray): HeadScores {
  const { headCount, kvHeadCount, headDim, scale, window, softcap } = shape;
  const qWidth = headCount * headDim;
  const kWidth = kvHeadCount * headDim;
  const kvHead = Math.floor(head / (headCount / kvHeadCount));
  const queryCount = q.length / qWidth;
  const positionCount = k.length / kWidth;
  const scores = new Float64Array(queryCount * positionCount);
  const ranges: HeadScores['ranges'] = [];
  for (let i = 0; i < queryCount; i += 1) {
    const position = positionCount - queryCount + i;
    const first = window === null ? 0 : Math.max(0, position - window + 1);
    ranges.push({ first, end: position + 1 });
    const qRow = q.subarray(i * qWidth + head * headDim, i * qWidth + (head + 1) * headDim);
    for (let j = first; j <= position; j += 1) {
      const kRow = k.subarray(j * kWidth + kvHead * headDim, j * kWidth + (kvHead + 1) * headDim);
      let sum = 0;
      for (let c = 0; c < headDim; c += 1) sum += (qRow[c] ?? Number.NaN) * (kRow[c] ?? Number.NaN);
      const score = scale * sum;
      scores[i * positionCount + j] = softcap === undefined ? score : softcap * Math.tanh(score / softcap);
    }
  }
  return { scores, positionCount, ranges };
}
