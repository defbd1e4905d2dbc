// What an engine's arithmetic may do to a number, read off its declared numeric profile: the figures that the budget of
// every op is made of. One row per arithmetic; no op in here.
import type { NumericProfile } from '../../engine/program/executor.ts';
import {
  ANY_ORDER_FACTOR,
  EXPECTED_SUM_UNITS,
  LARGEST_F16,
  LARGEST_F32,
  SMALLEST_NORMAL_F16,
  SMALLEST_NORMAL_F32,
  SMALLEST_SUBNORMAL_F32,
  UNIT_F16,
  UNIT_F32,
  UNIT_F64,
  WGSL_ROUNDING,
  WGSL_SINCOS_F16,
  WGSL_SINCOS_F32,
} from '../ops/constants.ts';

export interface Arithmetic {
  /** For people: what was assumed. */
  name: string;
  /** Largest relative error of one sum, difference or product that is stored. */
  unit: number;
  /** The same inside an accumulator. */
  sumUnit: number;
  /** Absolute error of a result so small that the relative one fails. */
  tiny: number;
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
  /** How activations enter a matmul, and what keys and values are stored in. */
  activations: 'float' | 'q8_0' | 'q8_k';
  kvCache: 'f32' | 'f16' | 'f64';
  /** False: the profile is a guess about somebody else's engine. */
  isDeclared: boolean;
}

/** Any order of summation: n − 1 additions at most, and the product. */
const anyOrder = (n: number): number => n;

/** The order of the CPU kernels in its own words (engine/cpu/numeric-profile.ts); another text is any order. */
const LANES_AND_CHUNKS =
  'along a row of n columns: the first n - n mod 4 columns in chunks of 256; in a chunk, lane l of 4';

/** Product, 63 additions in a lane of a chunk, one per chunk, two of lanes, and of a tail of 3 at most 3. */
const lanesAndChunks = (n: number): number => Math.min(64, Math.ceil(n / 4)) + Math.ceil(n / 256) + 2 + (n % 4);
/** Blocks of 64, then block by block; Σ e^ has four lanes besides. */
const blocksOf64 = (n: number): number => Math.min(64, n) + Math.ceil(n / 64) + 2;

const IEEE_F32: Arithmetic = {
  name: 'f32, to nearest',
  unit: UNIT_F32,
  sumUnit: UNIT_F32,
  tiny: SMALLEST_SUBNORMAL_F32,
  largest: LARGEST_F32,
  quotientUnits: 1,
  inverseRootUnits: 2,
  expUnits: () => 2,
  expectedSum: () => EXPECTED_SUM_UNITS,
  rowDepth: anyOrder,
  positionDepth: anyOrder,
  // The table's sine is rounded once; what double did to the angle.
  angle: { relative: () => 4 * UNIT_F64, sincos: UNIT_F32 },
  activations: 'float',
  kvCache: 'f32',
  isDeclared: true,
};

/** WGSL f32: either neighbour, flushed subnormals, its own accuracy of builtins, any order. */
export const WGSL_F32: Arithmetic = {
  ...IEEE_F32,
  name: 'WGSL f32',
  unit: WGSL_ROUNDING * UNIT_F32,
  sumUnit: WGSL_ROUNDING * UNIT_F32,
  tiny: SMALLEST_NORMAL_F32,
  quotientUnits: 2.5,
  inverseRootUnits: 2,
  expUnits: (x) => 3 + 2 * Math.abs(x),
  angle: { relative: () => 2 * WGSL_ROUNDING * UNIT_F32, sincos: WGSL_SINCOS_F32 },
};

/** WGSL with f16 storage and arithmetic. */
export const WGSL_F16: Arithmetic = {
  ...WGSL_F32,
  name: 'WGSL f16',
  unit: WGSL_ROUNDING * UNIT_F16,
  sumUnit: WGSL_ROUNDING * UNIT_F16,
  tiny: SMALLEST_NORMAL_F16,
  largest: LARGEST_F16,
  expUnits: (x) => 1 + 2 * Math.abs(x),
  angle: { relative: () => 2 * WGSL_ROUNDING * UNIT_F16, sincos: WGSL_SINCOS_F16 },
};

/**
 * Somebody else's float32 engine of which nothing is declared: any order, fused or not, flushed or not, angles by
 * repeated multiplication in float32 (as ggml does: an error of one rounding per pair, and one of the power itself).
 */
export const FOREIGN_F32: Arithmetic = {
  ...IEEE_F32,
  name: 'f32 of an undeclared engine',
  tiny: SMALLEST_NORMAL_F32,
  quotientUnits: 2,
  inverseRootUnits: 3,
  expUnits: (x) => 4 + Math.abs(x) / 8,
  expectedSum: (n) => Math.max(EXPECTED_SUM_UNITS, ANY_ORDER_FACTOR * Math.sqrt(n)),
  angle: { relative: (pair) => (2 * pair + 6) * UNIT_F32, sincos: 2 * UNIT_F32 },
  isDeclared: false,
};

/** The arithmetic that a profile declares. */
export function arithmeticOf(profile: NumericProfile, executor: 'cpu' | 'webgpu' | 'float64'): Arithmetic {
  const base = executor === 'webgpu' ? WGSL_F32 : IEEE_F32;
  if (profile.accumulator === 'f64') {
    return { ...base, name: 'f64', unit: UNIT_F64, sumUnit: UNIT_F64, angle: { ...base.angle, sincos: UNIT_F64 } };
  }
  const isKnownOrder = profile.summation.startsWith(LANES_AND_CHUNKS);
  const isTable = profile.ropeTable !== 'device';
  const activations = profile.activations === 'q8_0' || profile.activations === 'q8_k' ? profile.activations : 'float';
  return {
    ...base,
    name: [base.name, ...(activations === 'float' ? [] : [`${activations} activations`])].join(', '),
    // A unit in the last place is two of ours at most.
    ...(executor === 'webgpu' ? {} : { expUnits: () => 2 * profile.expMaxUlp }),
    ...(isKnownOrder ? { rowDepth: lanesAndChunks, positionDepth: blocksOf64 } : {}),
    ...(isTable ? { angle: IEEE_F32.angle } : {}),
    activations,
    kvCache: profile.kvCache,
  };
}

/** γ_n = n·u / (1 − n·u): the relative error of n roundings in a row. */
export function gamma(roundings: number, unit: number): number {
  const sum = roundings * unit;
  return sum < 1 ? sum / (1 - sum) : Infinity;
}
