// What the softmax of attention is taken of, as intervals: what an engine's float32 leaves open goes in as a leeway, and is
// rounded where the format rounds scores. With no leeway the ends are one number.
import type { AttentionFormat, FloatType } from '../../engine/program/numeric-profile.ts';
import type { AttentionOp } from '../../engine/program/program.ts';
import type { CachedRows, QueryHead } from '../ops/attention-heads.ts';
import { TANH_UNITS, UNIT_BF16, UNIT_F16 } from '../ops/constants.ts';
import { gamma, type Arithmetic } from './arithmetic.ts';
import { mapped, scaled, widened, type Interval } from './interval.ts';
import { roundingTo } from './round-to-half.ts';

/** How far off one tier lets the steps of float32 be, each relative to its result. */
export interface Leeway {
  unit: number;
  /** Of a sum of products along a head, relative to its magnitudes. */
  dot: (n: number) => number;
  /** Of sums over positions: of powers, and of values. */
  total: (n: number) => number;
  mix: (n: number) => number;
  exp: (x: number) => number;
  quotient: number;
  tiny: number;
  /** How far off the inputs are. */
  off: { q: Float64Array; k: Float64Array; v: Float64Array } | null;
}

export function leewayOf(
  tier: 'expected' | 'proven',
  { sumUnit, tiny, expUnits, quotientUnits, rowDepth, positionDepth, expectedSum }: Arithmetic,
  { accumulator }: AttentionFormat,
  off: Leeway['off'],
): Leeway {
  const roundings = (n: number, depth: (n: number) => number): number =>
    tier === 'proven' ? depth(n) : Math.min(expectedSum(n), depth(n));
  return {
    unit: sumUnit,
    dot: (n) => gamma(roundings(n, rowDepth), sumUnit),
    total: (n) => gamma(roundings(n, positionDepth), sumUnit),
    mix: (n) => gamma(roundings(n, positionDepth), unitOf(accumulator, sumUnit)),
    exp: (x) => expUnits(x) * sumUnit,
    quotient: quotientUnits * sumUnit,
    tiny,
    off,
  };
}

function unitOf(type: FloatType, wide: number): number {
  return type === 'f16' ? UNIT_F16 : type === 'bf16' ? UNIT_BF16 : wide;
}

/** q·k of each key that a head sees, and Σ|q·k|. */
export interface Products {
  sums: Float64Array;
  magnitudes: Float64Array;
}

export function productsOf(
  { headDim }: AttentionOp,
  q: Float64Array,
  { keys }: CachedRows,
  { at, from, width, count }: QueryHead,
): Products {
  const [sums, magnitudes] = [new Float64Array(count), new Float64Array(count)];
  for (let j = 0; j < count; j += 1) {
    let [sum, magnitude] = [0, 0];
    for (let c = 0; c < headDim; c += 1) {
      const term = (q[at + c] ?? 0) * (keys[from + j * width + c] ?? 0);
      sum += term;
      magnitude += Math.abs(term);
    }
    sums[j] = sum;
    magnitudes[j] = magnitude;
  }
  return { sums, magnitudes };
}

export interface HeadRun {
  op: AttentionOp;
  format: AttentionFormat;
  q: Float64Array;
  cache: CachedRows;
  head: QueryHead;
  products: Products;
}

/** What the softmax is taken of. */
export function scoresOf({ op, format, q, cache, head, products }: HeadRun, leeway: Leeway): Interval[] {
  const { headDim, scale, softcap: cap } = op;
  const round = roundingTo(format.scores);
  const stored = (x: Interval, units: number): Interval => {
    const wide = widened(x, units * leeway.unit);
    return round === null ? wide : mapped(wide, round);
  };
  return Array.from(products.sums, (sum, j) => {
    const open = leeway.dot(headDim) * (products.magnitudes[j] ?? 0) + offBy(q, cache, head, j, headDim, leeway.off);
    const dot = stored({ lo: sum - open, hi: sum + open }, 0);
    // The scale is rounded too.
    const score = stored(scaled(dot, scale), 2);
    if (cap === undefined) return score;
    const bent = stored(mapped(stored(scaled(score, 1 / cap), 2), Math.tanh), TANH_UNITS);
    return stored(scaled(bent, cap), 1);
  });
}

function offBy(
  q: Float64Array,
  { keys }: CachedRows,
  { at, from, width }: QueryHead,
  j: number,
  headDim: number,
  off: Leeway['off'],
): number {
  if (off === null) return 0;
  let sum = 0;
  for (let c = 0; c < headDim; c += 1) {
    const k = from + j * width + c;
    const offKey = off.k[k] ?? 0;
    sum += (off.q[at + c] ?? 0) * (Math.abs(keys[k] ?? 0) + offKey) + Math.abs(q[at + c] ?? 0) * offKey;
  }
  return sum;
}
