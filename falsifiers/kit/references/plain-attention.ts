// Attention as engines compute it, written plainly: one float32 step after the other in loops, rounded wherever the format
// says so. It plays the engine where the judge is on trial, also one with a bug. Of the product only types are in here.
import type { AttentionFormat, CacheFormat, FloatType } from '../../../src/engine/program/numeric-profile.ts';
import { BF16_BUILDS, F16_BUILDS, Q8_0_BUILDS } from './plain-roundings.ts';

export interface AttentionShape {
  headCount: number;
  kvHeadCount: number;
  headDim: number;
  rowCount: number;
  positionCount: number;
  window: number | null;
  scale: number;
  softcap?: number;
}

export interface AttentionRows {
  /** [rowCount, headCount · headDim], of the last positions. */
  q: Float32Array;
  /** [positionCount, kvHeadCount · headDim] */
  k: Float32Array;
  v: Float32Array;
}

export interface PlainFormat {
  storage: FloatType;
  kvCache: CacheFormat;
  attention: AttentionFormat | null;
}

/** What is wrong with the engine. */
export type AttentionBug = 'next kv head' | 'last key dropped' | 'scale off' | 'probabilities truncated';

/** How it does what no format says: the order of its sums, and how accurate its powers are. */
export interface PlainManner {
  isBackward: boolean;
  bug?: AttentionBug;
}

type Round = (x: number) => number;

const { fround } = Math;

export function plainAttention(
  shape: AttentionShape,
  rows: AttentionRows,
  { storage, kvCache, attention }: PlainFormat,
  manner: PlainManner,
): Float32Array {
  const format = attention ?? { queries: storage, ...ALL_FLOAT32 };
  const { headCount, kvHeadCount, headDim, rowCount, positionCount, window, scale } = shape;
  const block = format.isTurned === true && headDim % 64 === 0 ? 64 : 1;
  const keyBlock = block === 1 ? 1 : largestPowerIn(headDim);
  const width = kvHeadCount * headDim;
  const keys = cells(kvCache, turn(rows.k, keyBlock));
  const values = cells(kvCache, turn(rows.v, block));
  const isScaledFirst = format.scales === 'queries';
  const scaled = isScaledFirst ? rows.q.map((value) => value * fround(scale)) : rows.q;
  const queries = cells(format.queries, turn(scaled, keyBlock));
  const out = new Float32Array(rows.q.length);
  for (let row = 0; row < rowCount; row += 1) {
    const position = positionCount - rowCount + row;
    const first = window === null ? 0 : Math.max(0, position - window + 1);
    const end = manner.bug === 'last key dropped' && position > first ? position : position + 1;
    for (let head = 0; head < headCount; head += 1) {
      const own = Math.floor((head * kvHeadCount) / headCount);
      const kvHead = manner.bug === 'next kv head' ? (own + 1) % kvHeadCount : own;
      const at = (row * headCount + head) * headDim;
      const seen = Array.from({ length: end - first }, (_, j) => (first + j) * width + kvHead * headDim);
      const head1: PlainHead = {
        q: queries.subarray(at, at + headDim),
        keys: seen.map((from) => keys.subarray(from, from + headDim)),
        values: seen.map((from) => values.subarray(from, from + headDim)),
      };
      const bugged = manner.bug === 'scale off' ? scale * 1.0001 : scale;
      out.set(plainHead(head1, { ...shape, scale: isScaledFirst ? bugged / scale : bugged }, format, manner), at);
    }
  }
  const store = rounding(storage);
  return turn(out, block).map(store);
}

const ALL_FLOAT32 = { scores: 'f32', probabilities: 'f32', accumulator: 'f32', divides: 'first' } as const;

interface PlainHead {
  q: Float32Array;
  keys: Float32Array[];
  values: Float32Array[];
}

function plainHead(
  { q, keys, values }: PlainHead,
  { headDim, scale, softcap }: AttentionShape,
  format: AttentionFormat,
  { isBackward, bug }: PlainManner,
): Float32Array {
  const ofScores = rounding(format.scores);
  const scores = keys.map((key) => {
    const order = isBackward ? [...key.keys()].toReversed() : [...key.keys()];
    const dot = order.reduce((sum, c) => fround(sum + fround((q[c] ?? 0) * (key[c] ?? 0))), 0);
    const score = ofScores(fround(ofScores(dot) * fround(scale)));
    if (softcap === undefined) return score;
    return ofScores(fround(ofScores(fround(Math.tanh(ofScores(fround(score / softcap))))) * softcap));
  });
  const ofProbabilities =
    bug === 'probabilities truncated' ? truncation(format.probabilities) : rounding(format.probabilities);
  const power = (x: number): number => fround(fround(Math.exp(x)) * inaccuracy(x, format.expMaxUlp ?? 0));
  if (format.divides === 'last' && format.accumulator !== 'f32') {
    return keyByKey(scores, values, { ofProbabilities, ofSums: rounding(format.accumulator), power, headDim });
  }
  const largest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const powers = scores.map((score) => power(fround(score - largest)));
  const total = powers.reduce((sum, one) => fround(sum + one), 0);
  const isFirst = format.divides === 'first';
  const weights = powers.map((one) => ofProbabilities(isFirst ? fround(one / total) : one));
  const order = isBackward ? [...weights.keys()].toReversed() : [...weights.keys()];
  return Float32Array.from({ length: headDim }, (_, c) => {
    const sum = order.reduce((part, j) => fround(part + fround((weights[j] ?? 0) * (values[j]?.[c] ?? 0))), 0);
    return isFirst ? sum : fround(sum / total);
  });
}

interface KeyByKey {
  ofProbabilities: Round;
  ofSums: Round;
  power: Round;
  headDim: number;
}

function keyByKey(
  scores: readonly number[],
  values: readonly Float32Array[],
  { ofProbabilities, ofSums, power, headDim }: KeyByKey,
): Float32Array {
  const sums = new Float32Array(headDim);
  let [largest, total] = [-Infinity, 0];
  for (const [j, score] of scores.entries()) {
    const isLargest = score > largest;
    const fade = isLargest ? power(fround(largest - score)) : 1;
    if (isLargest) largest = score;
    const weight = isLargest ? 1 : power(fround(score - largest));
    total = fround(fround(total * fade) + weight);
    for (let c = 0; c < headDim; c += 1) {
      const faded = isLargest ? ofSums(fround((sums[c] ?? 0) * fade)) : (sums[c] ?? 0);
      sums[c] = ofSums(fround(faded + fround(ofProbabilities(weight) * (values[j]?.[c] ?? 0))));
    }
  }
  return sums.map((sum) => sum / total);
}

/** By x somewhere in what the format allows. */
function inaccuracy(x: number, ulps: number): number {
  return ulps === 0 ? 1 : 1 + Math.sin(1_000 * x) * ulps * 2 ** -23;
}

function rounding(type: FloatType): Round {
  const builds = type === 'f16' ? F16_BUILDS : type === 'bf16' ? BF16_BUILDS : null;
  return (x) => builds?.[0]?.(Float32Array.of(x)).values[0] ?? fround(x);
}

/** The bits that do not fit are cut off. */
function truncation(type: FloatType): Round {
  const round = rounding(type);
  const unit = type === 'f16' ? 2 ** -11 : type === 'bf16' ? 2 ** -8 : 2 ** -24;
  return (x) => {
    const nearest = round(x);
    return Math.abs(nearest) > Math.abs(x) ? round(x * (1 - unit)) : nearest;
  };
}

/** Rows as cells of a type hold them. */
export function cells(type: CacheFormat, rows: Float32Array): Float32Array {
  if (type === 'q8_0') return Float32Array.from(Q8_0_BUILDS[0]?.(rows).values ?? []);
  return type === 'f16' || type === 'bf16' ? rows.map(rounding(type)) : rows;
}

/** Every block times the Hadamard matrix of its size, whose sign at (i, j) is that of the bits that both have. */
export function turn(rows: Float32Array, block: number): Float32Array {
  if (block === 1) return rows;
  const size = fround(1 / Math.sqrt(block));
  return rows.map((_, at) => {
    const [first, i] = [at - (at % block), at % block];
    let sum = 0;
    for (let j = 0; j < block; j += 1) {
      sum = fround(sum + fround((bitCount(i & j) % 2 === 0 ? size : -size) * (rows[first + j] ?? 0)));
    }
    return sum;
  });
}

function bitCount(x: number): number {
  let count = 0;
  for (let left = x; left > 0; left >>= 1) count += left & 1;
  return count;
}

function largestPowerIn(count: number): number {
  let power = 1;
  while (count % (2 * power) === 0) power *= 2;
  return power;
}
