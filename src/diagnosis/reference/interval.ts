// What is left open of a number: it is one of those between two ends, both included. The few operations that the
// emulation of attention needs; no rounding of float64's own is added to the ends.
import type { RoundTo } from './round-to-half.ts';

export interface Interval {
  lo: number;
  hi: number;
}

/** By a share of each end's size, and by an amount. */
export function widened({ lo, hi }: Interval, relative: number, absolute = 0): Interval {
  return { lo: lo - relative * Math.abs(lo) - absolute, hi: hi + relative * Math.abs(hi) + absolute };
}

/** By a function that rises. */
export function mapped({ lo, hi }: Interval, rising: RoundTo): Interval {
  return { lo: rising(lo), hi: rising(hi) };
}

export function scaled({ lo, hi }: Interval, factor: number): Interval {
  return factor < 0 ? { lo: factor * hi, hi: factor * lo } : { lo: factor * lo, hi: factor * hi };
}

/** The factor is not negative. */
export function product({ lo, hi }: Interval, factor: Interval): Interval {
  return { lo: lo * (lo < 0 ? factor.hi : factor.lo), hi: hi * (hi < 0 ? factor.lo : factor.hi) };
}

/** The divisor is positive. */
export function quotient({ lo, hi }: Interval, divisor: Interval): Interval {
  return { lo: lo / (lo < 0 ? divisor.lo : divisor.hi), hi: hi / (hi < 0 ? divisor.hi : divisor.lo) };
}
