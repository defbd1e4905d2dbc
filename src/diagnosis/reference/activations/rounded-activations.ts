// What a rounding to a format makes of rows: a set of values wherever builds of an engine differ. Types, and what the
// formats of 8 bits share.
import { RefuteError } from '../../../errors.ts';

export interface RoundedActivations {
  /** What is multiplied. Where either of two neighbours is right, the middle of them. */
  values: Float64Array;
  /** How far both neighbours are from that middle, and 0 where there is one value; null where that is everywhere. */
  tieSteps: Float64Array | null;
  /** Engines multiply integers, block by block. */
  isInteger: boolean;
  /** Of a format that keeps sums of blocks beside the values, else null. */
  sums: BlockSums | null;
}

/** Sums that are stored with blocks of values, for the minimums of weights to be multiplied with. */
export interface BlockSums {
  blockElements: number;
  /** By block: the stored sum less the sum of the values; where a tie makes several, the middle of them. */
  errors: Float64Array;
  /** How far the others are from that middle. */
  slacks: Float64Array;
}

/** A row in blocks of d·q. */
export interface EightBitBlocks {
  blockElements: number;
  /** d by block. */
  steps: Float64Array;
  /** q by element; n + ½ where n and n + 1 are both right. */
  integers: Float64Array;
}

export function roundedValues({ blockElements, steps, integers }: EightBitBlocks): RoundedActivations {
  const stepAt = (i: number): number => steps[Math.floor(i / blockElements)] ?? Number.NaN;
  return {
    values: integers.map((q, i) => stepAt(i) * q),
    tieSteps: integers.some(isTie) ? integers.map((q, i) => (isTie(q) ? stepAt(i) / 2 : 0)) : null,
    isInteger: true,
    sums: null,
  };
}

/** Of an entry of `integers`. */
export function isTie(q: number): boolean {
  return q - Math.floor(q) === 0.5;
}

/** @throws RefuteError E_ACTIVATION_BLOCK */
export function blockCountOf(x: ArrayLike<number>, blockElements: number, format: string): number {
  if (x.length % blockElements === 0) return x.length / blockElements;
  const is = `${x.length} values do not fill whole blocks`;
  const allowed = `a block has ${blockElements}`;
  throw new RefuteError({ code: 'E_ACTIVATION_BLOCK', place: `${format} activations`, is, allowed });
}

/** The largest magnitude of a block. */
export function extremeOf(x: ArrayLike<number>, first: number, end: number): number {
  let extreme = 0;
  for (let i = first; i < end; i += 1) extreme = Math.max(extreme, Math.abs(x[i] ?? 0));
  return extreme;
}
