// One head of attention from its scores on, with the roundings of a format done on intervals: probabilities that are
// rounded and mixed, or sums that are rounded after every key. Scores and leeway: attention-scores.ts.
import { scoresOf, type HeadRun, type Leeway } from './attention-scores.ts';
import type { CachedRows, QueryHead } from '../ops/attention-heads.ts';
import { mapped, product, quotient, widened, type Interval } from './interval.ts';
import { roundingTo, type RoundTo } from './round-to-half.ts';

/** One head: the ends of what its roundings leave open by channel, and how far off float32 may be from either. */
export interface OpenHead {
  lo: Float64Array;
  hi: Float64Array;
  error: Float64Array;
}

/** Rounded probabilities, which are mixed in any order; or sums that are rounded after each key. */
export function mixedHead(run: HeadRun, leeway: Leeway): OpenHead {
  const { accumulator, divides } = run.format;
  const round = roundingTo(accumulator);
  const scores = scoresOf(run, leeway);
  return round !== null && divides === 'last' ? mixedInParts(run, scores, round, leeway) : mixed(run, scores, leeway);
}

/** Positions that a cache has room for come in so many. */
const CACHE_STEP = 256;

/** Key by key; where keys are shared out, each part beside its own largest score, and the sums of the parts added. */
function mixedInParts(run: HeadRun, scores: readonly Interval[], round: RoundTo, leeway: Leeway): OpenHead {
  const { cache, head, op, format } = run;
  const room = Math.ceil(cache.keys.length / head.width / CACHE_STEP) * CACHE_STEP;
  const partLength = Math.ceil(room / (format.parts ?? 1));
  const first = Math.floor(head.from / head.width);
  const parts: OpenPart[] = [];
  for (let from = 0; from < scores.length;) {
    const end = Math.min(scores.length, (Math.floor((first + from) / partLength) + 1) * partLength - first);
    parts.push(mixedKeyByKey(run, scores, [from, end], round, leeway));
    from = end;
  }
  const [only] = parts;
  const whole = parts.length === 1 && only !== undefined ? only : joined(parts, op.headDim, leeway);
  whole.sums.divide(whole.total, leeway.quotient);
  whole.sums.miss(0, leeway.tiny);
  return whole.sums;
}

interface OpenPart {
  sums: OpenSums;
  total: Interval;
  largest: Interval;
}

function joined(parts: readonly OpenPart[], headDim: number, leeway: Leeway): OpenPart {
  const most = (end: 'lo' | 'hi'): number => parts.reduce((so, { largest }) => Math.max(so, largest[end]), -Infinity);
  const largest = { lo: most('lo'), hi: most('hi') };
  const sums = new OpenSums(headDim);
  let total: Interval = { lo: 0, hi: 0 };
  for (const part of parts) {
    const factor = powerOf(part.largest, largest, leeway);
    total = widened(sumOf([total, widened(product(part.total, factor), leeway.unit)]), leeway.unit);
    part.sums.fade(factor, leeway.unit, (x) => x);
    sums.join(part.sums, leeway.unit);
  }
  return { sums, total, largest };
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
    sums.add(weight, round, valuesOf(cache, head, j, leeway));
  }
  sums.miss(leeway.mix(count), count * leeway.tiny);
  if (!isFirst) sums.divide(total, leeway.quotient);
  return sums;
}

/** e^(score − the largest). */
function powersOf(scores: readonly Interval[], leeway: Leeway): Interval[] {
  const largest = {
    lo: scores.reduce((most, { lo }) => Math.max(most, lo), -Infinity),
    hi: scores.reduce((most, { hi }) => Math.max(most, hi), -Infinity),
  };
  // Where one score alone can be the largest, it is below itself by nothing, whatever it is.
  const rivals = scores.filter(({ hi }) => !(hi < largest.lo)).length;
  const one = widened(ONE, leeway.exp(0));
  return scores.map((score) => (rivals === 1 && score.lo === largest.lo ? one : powerOf(score, largest, leeway)));
}

const ONE: Interval = { lo: 1, hi: 1 };

function powerOf(score: Interval, largest: Interval, leeway: Leeway): Interval {
  const below = widened({ lo: score.lo - largest.hi, hi: Math.min(0, score.hi - largest.lo) }, leeway.unit);
  const lo = Math.exp(below.lo) * (1 - leeway.exp(below.lo)) - leeway.tiny;
  const hi = Math.exp(below.hi) * (1 + leeway.exp(below.hi)) + leeway.tiny;
  return { lo: Math.max(0, lo), hi };
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
  [from, end]: readonly [number, number],
  round: RoundTo,
  leeway: Leeway,
): OpenPart {
  const roundPower = roundingTo(format.probabilities);
  const sums = new OpenSums(op.headDim);
  let total: Interval = { lo: 0, hi: 0 };
  let largest: Interval = { lo: -Infinity, hi: -Infinity };
  for (let j = from; j < end; j += 1) {
    const score = scores[j] ?? NOTHING;
    if (j > from && !(score.hi <= largest.lo)) {
      const fade = powerOf(largest, score, leeway);
      total = widened(product(total, fade), leeway.unit);
      sums.fade(fade, leeway.unit, round);
    }
    const power = score.lo > largest.hi ? ONE : powerOf(score, largest, leeway);
    largest = { lo: Math.max(largest.lo, score.lo), hi: Math.max(largest.hi, score.hi) };
    total = widened(sumOf([total, power]), leeway.unit);
    const weight = roundPower === null ? power : mapped(power, roundPower);
    sums.addRounded(weight, valuesOf(cache, head, j, leeway), leeway.unit, round);
  }
  return { sums, total, largest };
}

const NOTHING: Interval = { lo: Number.NaN, hi: Number.NaN };

/** The values of one key and how far off they are, from `at` on. */
interface OpenValues {
  values: Float64Array;
  off: Float64Array | null;
  at: number;
}

function valuesOf({ values }: CachedRows, { from, width }: QueryHead, j: number, { off }: Leeway): OpenValues {
  return { values, off: off?.v ?? null, at: from + j * width };
}

/** Sums over keys of every channel of a head. Plain loops: all the work of a long sequence is here. */
class OpenSums implements OpenHead {
  readonly lo: Float64Array;
  readonly hi: Float64Array;
  readonly error: Float64Array;
  readonly #magnitude: Float64Array;

  constructor(channelCount: number) {
    this.lo = new Float64Array(channelCount);
    this.hi = new Float64Array(channelCount);
    this.error = new Float64Array(channelCount);
    this.#magnitude = new Float64Array(channelCount);
  }

  /** What is open of a weight that is not rounded is an error; of one that is, which of two numbers it is. */
  add(weight: Interval, round: RoundTo | null, { values, off, at }: OpenValues): void {
    const middle = (weight.lo + weight.hi) / 2;
    const [least, most] = round === null ? [middle, middle] : [round(weight.lo), round(weight.hi)];
    const open = round === null ? weight.hi - middle : 0;
    for (let c = 0; c < this.lo.length; c += 1) {
      const [value, away] = [values[at + c] ?? 0, off === null ? 0 : (off[at + c] ?? 0)];
      const size = Math.abs(value);
      this.lo[c] = (this.lo[c] ?? 0) + value * (value < 0 ? most : least);
      this.hi[c] = (this.hi[c] ?? 0) + value * (value < 0 ? least : most);
      this.error[c] = (this.error[c] ?? 0) + open * size + (most + open) * away;
      this.#magnitude[c] = (this.#magnitude[c] ?? 0) + most * (size + away);
    }
  }

  /** With the sum rounded; before that, product and sum are each one rounding of float32 away, or one of both. */
  addRounded(weight: Interval, { values, off, at }: OpenValues, unit: number, round: RoundTo): void {
    for (let c = 0; c < this.lo.length; c += 1) {
      const [value, away] = [values[at + c] ?? 0, off === null ? 0 : (off[at + c] ?? 0)];
      const [low, high] = [value - away, value + away];
      const [least, most] = [low * (low < 0 ? weight.hi : weight.lo), high * (high < 0 ? weight.lo : weight.hi)];
      const slack = unit * Math.max(Math.abs(least), Math.abs(most));
      const [lo, hi] = [(this.lo[c] ?? 0) + least, (this.hi[c] ?? 0) + most];
      this.lo[c] = round(lo - unit * Math.abs(lo) - slack);
      this.hi[c] = round(hi + unit * Math.abs(hi) + slack);
    }
  }

  /** Multiplied by a factor from 0 to 1, and rounded. */
  fade(factor: Interval, unit: number, round: RoundTo): void {
    for (let c = 0; c < this.lo.length; c += 1) {
      const [lo, hi] = [this.lo[c] ?? 0, this.hi[c] ?? 0];
      const low = lo * (lo < 0 ? factor.hi : factor.lo);
      const high = hi * (hi < 0 ? factor.lo : factor.hi);
      this.lo[c] = round(low - unit * Math.abs(low));
      this.hi[c] = round(high + unit * Math.abs(high));
    }
  }

  /** Added in float32. */
  join(part: OpenSums, unit: number): void {
    for (let c = 0; c < this.lo.length; c += 1) {
      const [lo, hi] = [(this.lo[c] ?? 0) + (part.lo[c] ?? 0), (this.hi[c] ?? 0) + (part.hi[c] ?? 0)];
      this.lo[c] = lo - unit * Math.abs(lo);
      this.hi[c] = hi + unit * Math.abs(hi);
    }
  }

  /** By a sum that is open too. */
  divide({ lo, hi }: Interval, unit: number): void {
    const middle = (lo + hi) / 2;
    for (let c = 0; c < this.lo.length; c += 1) {
      const [least, most] = [(this.lo[c] ?? 0) / middle, (this.hi[c] ?? 0) / middle];
      const size = Math.max(Math.abs(least), Math.abs(most));
      this.lo[c] = least;
      this.hi[c] = most;
      this.error[c] = (this.error[c] ?? 0) / lo + size * ((hi - middle) / lo + unit);
    }
  }

  miss(share: number, amount: number): void {
    for (let c = 0; c < this.error.length; c += 1) {
      this.error[c] = (this.error[c] ?? 0) + share * (this.#magnitude[c] ?? 0) + amount;
    }
  }
}
