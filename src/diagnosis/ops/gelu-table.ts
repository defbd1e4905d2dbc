// GELU by ggml's table of float16: x is rounded to float16 and looked up; beyond ±10 it is x or 0. An entry is computed
// in float32, tanh by the C library, and rounded to float16: what its error may reach is known, so of an entry near the
// middle of two halves it is known which halves it may be. At x < −4 those are several, since 1 + tanh cancels there.
import { gamma } from '../reference/arithmetic.ts';
import { UNIT_F32 } from './constants.ts';

const LIMIT = 10;

/** Of u = √(2/π)·x·(1 + 0.044715·x²): four products, a sum, and two constants that are rounded. */
const ARGUMENT_ROUNDINGS = 7;

/** Largest error that C libraries have in tanhf: two units in the last place of a number below 1. */
const TANH_ERROR: number = 2 * UNIT_F32;

export interface TabledValues {
  /** Where several halves may be the entry, the middle of the lowest and the highest. */
  values: Float64Array;
  /** How far both are from that middle. */
  slacks: Float64Array;
}

/** @param x float32 values */
export function geluByTable(x: ArrayLike<number>): TabledValues {
  const values = new Float64Array(x.length);
  const slacks = new Float64Array(x.length);
  for (let i = 0; i < x.length; i += 1) {
    const [low, high] = entryRange(x[i] ?? Number.NaN);
    values[i] = (low + high) / 2;
    slacks[i] = high === low ? 0 : (high - low) / 2;
  }
  return { values, slacks };
}

/** The lowest and the highest half that the entry of x may be. */
function entryRange(x: number): readonly [number, number] {
  if (x <= -LIMIT) return [0, 0];
  if (x >= LIMIT) return [x, x];
  const half = Math.f16round(x);
  const u = Math.sqrt(2 / Math.PI) * half * (1 + 0.044715 * half ** 2);
  const exact = half / (1 + Math.exp(-2 * u));
  // ½·x·(1 + t): of t what u and tanh are off by, of 1 + t and of the product one rounding each.
  const onePlusTanh = 2 / (1 + Math.exp(-2 * u));
  const slope = onePlusTanh * (2 - onePlusTanh);
  const tanhError = slope * Math.abs(u) * gamma(ARGUMENT_ROUNDINGS, UNIT_F32) + TANH_ERROR;
  const reach = (Math.abs(half) / 2) * (tanhError + gamma(2, UNIT_F32) * (onePlusTanh + tanhError));
  return [Math.f16round(exact - reach), Math.f16round(exact + reach)];
}
