// One head of attention with the roundings of a format done on intervals: what an engine's float32 leaves open goes in
// as a leeway, what its roundings make of it comes out. With no leeway the ends are one number, the reference.
import type { AttentionFormat, FloatType } from '../../engine/program/numeric-profile.ts';
import type { AttentionOp } from '../../engine/program/program.ts';
import type { CachedRows, QueryHead } from '../ops/attention-heads.ts';
import { TANH_UNITS, UNIT_BF16, UNIT_F16 } from '../ops/constants.ts';
import { gamma, type Arithmetic } from './arithmetic.ts';
import { mapped, product, quotient, scaled, widened, type Interval } from './interval.ts';
import { roundingTo, type RoundTo } from './round-to-half.ts';

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

export const NO_LEEWAY: Leeway = {
  unit: 0,
  dot: () => 0,
  total: () => 0,
  mix: () => 0,
  exp: () => 0,
  quotient: 0,
  tiny: 0,
  off: null,
};

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

export function unitOf(type: FloatType, wide: number): number {
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

/** The channels of one head, by the lower and the upper end. */
export interface OpenHead {
  lo: Float64Array;
  hi: Float64Array;
}

/** Rounded probabilities, which are mixed in any order; or sums that are rounded after each key. */
export function mixedHead(run: HeadRun, leeway: Leeway): OpenHead {
  const { accumulator, divides } = run.format;
  const round = roundingTo(accumulator);
  const scores = scoresOf(run, leeway);
  return round !== null && divides === 'last' ? mixedKeyByKey(run, scores, round, leeway) : mixed(run, scores, leeway);
}

function mixed({ op, format, cache, head }: HeadRun, scores: readonly Interval[], leeway: Leeway): OpenHead {
  const { count } = head;
  const round = roundingTo(format.probabilities);
  const powers = powersOf(scores, leeway);
  const total = widened(sumOf(powers), leeway.total(count), count * leeway.tiny);
  const isFirst = format.divides === 'first';
  const sums = new OpenSums(op.headDim);
  for (const [j, power] of powers.entries()) {
    const weight = isFirst ? widened(quotient(power, total), leeway.quotient) : power;
    sums.add(round === null ? weight : mapped(weight, round), valuesOf(cache, head, j, leeway));
  }
  return sums.finish((sum, magnitude) => {
    const mix = widened(sum, 0, leeway.mix(count) * magnitude + count * leeway.tiny);
    return isFirst ? mix : widened(quotient(mix, total), leeway.quotient);
  });
}

/** e^(score − the largest). */
function powersOf(scores: readonly Interval[], leeway: Leeway): Interval[] {
  const largest = {
    lo: scores.reduce((most, { lo }) => Math.max(most, lo), -Infinity),
    hi: scores.reduce((most, { hi }) => Math.max(most, hi), -Infinity),
  };
  // Where one score alone can be the largest, its own power is 1 whatever it is.
  const rivals = scores.filter(({ hi }) => !(hi < largest.lo)).length;
  return scores.map((score) => (rivals === 1 && score.lo === largest.lo ? ONE : powerOf(score, largest, leeway)));
}

const ONE: Interval = { lo: 1, hi: 1 };

function powerOf(score: Interval, largest: Interval, leeway: Leeway): Interval {
  const below = widened({ lo: score.lo - largest.hi, hi: Math.min(0, score.hi - largest.lo) }, leeway.unit);
  const lo = Math.exp(below.lo) * (1 - leeway.exp(below.lo)) - leeway.tiny;
  const hi = Math.exp(below.hi) * (1 + leeway.exp(below.hi)) + leeway.tiny;
  return { lo: Math.max(0, lo), hi: Math.min(1, hi) };
}

function sumOf(terms: readonly Interval[]): Interval {
  return terms.reduce((sum, { lo, hi }) => ({ lo: sum.lo + lo, hi: sum.hi + hi }), { lo: 0, hi: 0 });
}

/**
 * From the first key to the last: the sums are multiplied by e^(old largest − new) where a key has the largest score so
 * far, and its value is added with the power that it has beside the largest so far; both are rounded.
 */
function mixedKeyByKey(
  { op, format, cache, head }: HeadRun,
  scores: readonly Interval[],
  round: RoundTo,
  leeway: Leeway,
): OpenHead {
  const roundPower = roundingTo(format.probabilities);
  const sums = new OpenSums(op.headDim);
  let total: Interval = { lo: 0, hi: 0 };
  let largest: Interval = { lo: -Infinity, hi: -Infinity };
  for (const [j, score] of scores.entries()) {
    if (j > 0 && !(score.hi <= largest.lo)) {
      const fade = powerOf(largest, score, leeway);
      total = widened(product(total, fade), leeway.unit);
      sums.fade(fade, leeway.unit, round);
    }
    const power = score.lo > largest.hi ? ONE : powerOf(score, largest, leeway);
    largest = { lo: Math.max(largest.lo, score.lo), hi: Math.max(largest.hi, score.hi) };
    total = widened(sumOf([total, power]), leeway.unit);
    sums.add(roundPower === null ? power : mapped(power, roundPower), valuesOf(cache, head, j, leeway));
    sums.round(leeway.unit, round);
  }
  return sums.finish((sum) => widened(quotient(sum, total), leeway.quotient, leeway.tiny));
}

/** The values of one key and how far off they are, from `at` on. */
interface OpenValues {
  values: Float64Array;
  off: Float64Array | null;
  at: number;
}

function valuesOf({ values }: CachedRows, { from, width }: QueryHead, j: number, { off }: Leeway): OpenValues {
  return { values, off: off?.v ?? null, at: from + j * width };
}

/** Sums over keys of every channel of a head, by both ends. Plain loops: all the work of a long sequence is here. */
class OpenSums {
  readonly #lo: Float64Array;
  readonly #hi: Float64Array;
  /** Of the last term, and of all of them. */
  readonly #term: Float64Array;
  readonly #magnitude: Float64Array;

  constructor(channelCount: number) {
    this.#lo = new Float64Array(channelCount);
    this.#hi = new Float64Array(channelCount);
    this.#term = new Float64Array(channelCount);
    this.#magnitude = new Float64Array(channelCount);
  }

  add(weight: Interval, { values, off, at }: OpenValues): void {
    for (let c = 0; c < this.#lo.length; c += 1) {
      const [value, away] = [values[at + c] ?? 0, off === null ? 0 : (off[at + c] ?? 0)];
      const [low, high] = [value - away, value + away];
      const lo = low * (low < 0 ? weight.hi : weight.lo);
      const hi = high * (high < 0 ? weight.lo : weight.hi);
      this.#lo[c] = (this.#lo[c] ?? 0) + lo;
      this.#hi[c] = (this.#hi[c] ?? 0) + hi;
      this.#term[c] = Math.max(Math.abs(lo), Math.abs(hi));
      this.#magnitude[c] = (this.#magnitude[c] ?? 0) + (this.#term[c] ?? 0);
    }
  }

  /** Multiplied by a factor from 0 to 1, and rounded. */
  fade(factor: Interval, unit: number, round: RoundTo): void {
    for (let c = 0; c < this.#lo.length; c += 1) {
      const [lo, hi] = [this.#lo[c] ?? 0, this.#hi[c] ?? 0];
      const low = lo * (lo < 0 ? factor.hi : factor.lo);
      const high = hi * (hi < 0 ? factor.lo : factor.hi);
      this.#lo[c] = round(low - unit * Math.abs(low));
      this.#hi[c] = round(high + unit * Math.abs(high));
    }
  }

  /** As they are after the last term, whose product and sum are each one rounding of float32 away, or one of both. */
  round(unit: number, round: RoundTo): void {
    for (let c = 0; c < this.#lo.length; c += 1) {
      const [lo, hi, slack] = [this.#lo[c] ?? 0, this.#hi[c] ?? 0, unit * (this.#term[c] ?? 0)];
      this.#lo[c] = round(lo - unit * Math.abs(lo) - slack);
      this.#hi[c] = round(hi + unit * Math.abs(hi) + slack);
    }
  }

  finish(end: (sum: Interval, magnitude: number) => Interval): OpenHead {
    for (let c = 0; c < this.#lo.length; c += 1) {
      const { lo, hi } = end({ lo: this.#lo[c] ?? 0, hi: this.#hi[c] ?? 0 }, this.#magnitude[c] ?? 0);
      this.#lo[c] = lo;
      this.#hi[c] = hi;
    }
    return { lo: this.#lo, hi: this.#hi };
  }
}
