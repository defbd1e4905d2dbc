// Queries, keys and values as attention meets them: turned where a format turns heads, then rounded to the type of the
// queries and of the cache. Where a number is open, the set is kept that its rounding makes of it: q8_0 has ties, and
// what was turned is a little off before it is rounded.
import type { CacheFormat } from '../../engine/program/numeric-profile.ts';
import { UNIT_F32 } from '../ops/constants.ts';
import { blockCountOf } from './activations/rounded-activations.ts';
import { roundCache } from './activations.ts';
import { gamma, type Arithmetic } from './arithmetic.ts';
import { turned, turnedSizes } from './turned-heads.ts';

export type Tier = 'expected' | 'proven';

/** Of q, and of k and v at every position. */
export type OfInputs<T> = readonly [q: T, k: T, v: T];

/** How far off each element may be; null: it is exact. */
export type Off = Float64Array | null;

export interface MetInput {
  values: Float64Array;
  /** Where several values are right: how far they are from what is given, their middle. */
  slack: Off;
  off: Readonly<Record<Tier, Off>>;
}

/** What is to become of an input. */
interface Treatment {
  /** null: it stays as it is written. */
  type: CacheFormat | null;
  /** Channels that are turned together; null: none are. */
  block: number | null;
}

/** @param off of an input that was not captured but computed */
export function metInput(
  written: Float64Array,
  off: Readonly<Record<Tier, Off>>,
  { type, block }: Treatment,
  arithmetic: Arithmetic,
): MetInput {
  const x = block === null ? written : turned(written, block);
  const noise = (tier: Tier): Off =>
    block === null ? null : scaled(turnedSizes(written, block), turningError(tier, block, arithmetic));
  const arriving = (tier: Tier): Off =>
    block === null || off[tier] === null ? off[tier] : turnedSizes(off[tier], block);
  // What turning leaves open is no deviation: engines turn as they like.
  const usual = rounded(x, noise('expected'), type);
  const deviation = (tier: Tier): Off => {
    if (off[tier] === null && (block === null || tier === 'expected')) return null;
    const wide = rounded(x, eitherOf(noise(tier), arriving(tier)), type);
    return usual.values.map((value, i) => {
      const reach = Math.abs((wide.values[i] ?? Number.NaN) - value) + (wide.slack?.[i] ?? 0);
      return Math.max(0, reach - (usual.slack?.[i] ?? 0));
    });
  };
  return { ...usual, off: { expected: deviation('expected'), proven: deviation('proven') } };
}

/** Of turned channels in float32, relative to Σ|H|·|x|. */
export function turningError(tier: Tier, block: number, { rowDepth, expectedSum, sumUnit }: Arithmetic): number {
  const depth = rowDepth(block);
  return gamma(tier === 'proven' ? depth : Math.min(expectedSum(block), depth), sumUnit);
}

interface Rounded {
  values: Float64Array;
  slack: Off;
}

/** Of numbers that are off by so much: the middle of what they are rounded to, and how far its ends are. */
function rounded(x: Float64Array, off: Off, type: CacheFormat | null): Rounded {
  if (type === null) return { values: x, slack: off };
  if (off === null) {
    const { values, tieSteps } = roundCache(x, type);
    return { values, slack: tieSteps };
  }
  if (type === 'q8_0') return roundedQ80(x, off);
  // To nearest is never falling.
  const ends = [scaled(off, -1), off].map((way) => roundCache(eitherOf(x, way) ?? x, type).values);
  return betweenEnds(ends[0] ?? x, ends[1] ?? x);
}

const Q8_BLOCK = 32;

/** Of d, of its inverse, and of the product with it. */
const QUOTIENT_ROUNDINGS = 3;

/** As `quantizeQ80`, with the largest of a block open too, which makes its step. */
function roundedQ80(x: Float64Array, off: Float64Array): Rounded {
  const [lo, hi] = [new Float64Array(x.length), new Float64Array(x.length)];
  for (let block = 0; block < blockCountOf(x, Q8_BLOCK, 'q8_0'); block += 1) {
    const first = block * Q8_BLOCK;
    let [least, most] = [0, 0];
    for (let i = first; i < first + Q8_BLOCK; i += 1) {
      least = Math.max(least, Math.abs(x[i] ?? 0) - (off[i] ?? 0));
      most = Math.max(most, Math.abs(x[i] ?? 0) + (off[i] ?? 0));
    }
    if (most === 0) continue;
    const steps = [least, most].map((extreme) => Math.f16round(extreme / 127));
    const largest = (least + most) / 2;
    for (let i = first; i < first + Q8_BLOCK; i += 1) {
      const quotient = (127 * (x[i] ?? 0)) / largest;
      // By x, by the largest, by float32; all of the range where the block may be zeros.
      const reach = (127 * (off[i] ?? 0) + Math.abs(quotient) * (largest - least)) / least;
      const open = least > 0 ? reach + gamma(QUOTIENT_ROUNDINGS, UNIT_F32) * Math.abs(quotient) : 2 * 127;
      const ends = [quotient - open, quotient + open].map((end) => Math.max(-127, Math.min(127, Math.round(end))));
      const all = steps.flatMap((step) => ends.map((end) => step * end));
      lo[i] = Math.min(...all);
      hi[i] = Math.max(...all);
    }
  }
  return betweenEnds(lo, hi);
}

function betweenEnds(lo: Float64Array, hi: Float64Array): Rounded {
  const slack = hi.map((end, i) => (end - (lo[i] ?? Number.NaN)) / 2);
  return { values: lo.map((end, i) => end + (slack[i] ?? 0)), slack: slack.every((half) => half === 0) ? null : slack };
}

function scaled(x: Float64Array, factor: number): Float64Array {
  return x.map((value) => factor * value);
}

/** Both, added; of one that is absent the other. */
export function eitherOf(a: Off, b: Off): Off {
  return a === null || b === null ? (a ?? b) : a.map((value, i) => value + (b[i] ?? Number.NaN));
}
