// What an engine's arithmetic may do to a number, computed from its numeric profile: the figures that the budget of
// every op is made of. Knows no engine and no op.
import { profileText, type FloatType, type NumericProfile } from '../../engine/program/numeric-profile.ts';
import { ANY_ORDER_FACTOR, EITHER_NEIGHBOUR_UNITS, EXPECTED_SUM_UNITS, LARGEST_F16 } from '../ops/constants.ts';
import { LARGEST_F32, SMALLEST_NORMAL_F16, SMALLEST_NORMAL_F32, UNIT_BF16, UNIT_F16 } from '../ops/constants.ts';
import { UNIT_F32, UNIT_F64 } from '../ops/constants.ts';

export interface Arithmetic extends Pick<NumericProfile, 'activations' | 'kvCache' | 'storage' | 'attention' | 'gelu'> {
  /** For people: what was assumed. */
  name: string;
  /** Largest relative error of one sum, difference or product that is stored. */
  unit: number;
  /** The same inside an accumulator. */
  sumUnit: number;
  /** Absolute error of a result so small that the relative one fails. */
  tiny: number;
  /** Inputs of a smaller size may be taken for 0; 0 where none are. */
  flushesBelow: number;
  /** Results beyond it may be infinite. */
  largest: number;
  /** Of a quotient, and of 1/√x, in units. */
  quotientUnits: number;
  inverseRootUnits: number;
  /** Relative error of e^x in units. */
  expUnits: (x: number) => number;
  /** Expected |e| of a sum of n products, in units of u·Σ|w·x|. */
  expectedSum: (n: number) => number;
  /** Roundings on the longest path of a sum of n products along a row, the product included. */
  rowDepth: (n: number) => number;
  /** The same of a sum over n positions. */
  positionDepth: (n: number) => number;
  /** Relative error of an angle p·f_i of pair i, and absolute error of its sine and cosine. */
  angle: { relative: (pair: number) => number; sincos: number };
}

interface FloatLimits {
  unit: number;
  smallestNormal: number;
  largest: number;
}

const LIMITS: Readonly<Record<FloatType, FloatLimits>> = {
  f16: { unit: UNIT_F16, smallestNormal: SMALLEST_NORMAL_F16, largest: LARGEST_F16 },
  bf16: { unit: UNIT_BF16, smallestNormal: SMALLEST_NORMAL_F32, largest: LARGEST_F32 },
  f32: { unit: UNIT_F32, smallestNormal: SMALLEST_NORMAL_F32, largest: LARGEST_F32 },
  f64: { unit: UNIT_F64, smallestNormal: 2 ** -1022, largest: Number.MAX_VALUE },
};

/** e^−x is 0 from here on, in double too: a relative error of nothing must not become more than a finite one. */
export const LARGEST_EXPONENT = 800;

export function arithmeticOf(profile: NumericProfile): Arithmetic {
  const { storage, accumulator, rounding, flushesSubnormals, activations, kvCache, attention, gelu, ropeTable } =
    profile;
  const { unit, smallestNormal, largest } = LIMITS[storage];
  const units = rounding === 'nearest' ? 1 : EITHER_NEIGHBOUR_UNITS;
  return {
    name: profileText(profile),
    storage,
    activations,
    kvCache,
    attention,
    gelu,
    unit: units * unit,
    sumUnit: units * LIMITS[accumulator].unit,
    flushesBelow: flushesSubnormals ? smallestNormal : 0,
    tiny: flushesSubnormals ? smallestNormal : 2 * unit * smallestNormal,
    largest,
    // A unit in the last place is two of ours at most.
    quotientUnits: 2 * profile.quotientMaxUlp,
    inverseRootUnits: 2 * profile.inverseRootMaxUlp,
    expUnits: (x) => 2 * (profile.expMaxUlp + profile.expMaxUlpPerUnit * Math.min(Math.abs(x), LARGEST_EXPONENT)),
    ...summationOf(profile),
    angle: {
      relative: (pair) =>
        (ropeTable.angleRoundings + ropeTable.angleRoundingsPerPair * pair) * LIMITS[ropeTable.computedIn].unit,
      sincos: ropeTable.sincosError,
    },
  };
}

function summationOf({ summation }: NumericProfile): Pick<Arithmetic, 'expectedSum' | 'rowDepth' | 'positionDepth'> {
  if (summation.kind !== 'lanes') {
    // n − 1 additions at most, and the product.
    const depth = (n: number): number => n;
    const expectedSum = (n: number): number => Math.max(EXPECTED_SUM_UNITS, ANY_ORDER_FACTOR * Math.sqrt(n));
    return { expectedSum, rowDepth: depth, positionDepth: depth };
  }
  const { lanes, chunk, positionBlock } = summation;
  const ofLanes = Math.log2(lanes);
  return {
    expectedSum: () => EXPECTED_SUM_UNITS,
    // Product and additions in a lane of a chunk, one per chunk, those of the lanes, and of a tail as many as it has.
    rowDepth: (n) => Math.min(chunk / lanes, Math.ceil(n / lanes)) + Math.ceil(n / chunk) + ofLanes + (n % lanes),
    // In a block, then block by block; Σ e^ has lanes besides.
    positionDepth: (n) => Math.min(positionBlock, n) + Math.ceil(n / positionBlock) + ofLanes,
  };
}

/** γ_n = n·u / (1 − n·u): the relative error of n roundings in a row. */
export function gamma(roundings: number, unit: number): number {
  const sum = roundings * unit;
  return sum < 1 ? sum / (1 - sum) : Infinity;
}
