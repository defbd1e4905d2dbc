// Every constant of the error budgets with its basis, in one place. Nothing is computed here. The derivations are
// Higham, Accuracy and Stability of Numerical Algorithms (2002), §2.2, §3.1; the WGSL figures are those of its accuracy
// section; what is calibrated says on what, and docs/budgets.md has the table that bench/false-alarms.ts prints.

import type { OpName } from '../../engine/program/program.ts';

/** Unit roundoff of IEEE types, rounding to nearest: half a unit in the last place, relative. */
export const UNIT_F16: number = 2 ** -11;
export const UNIT_BF16: number = 2 ** -8;
export const UNIT_F32: number = 2 ** -24;
export const UNIT_F64: number = 2 ** -53;

/** Where the direction of rounding is open (WGSL) a result is either neighbour: off by a whole unit in the last place. */
export const EITHER_NEIGHBOUR_UNITS = 2;

export const SMALLEST_NORMAL_F32: number = 2 ** -126;
export const LARGEST_F32: number = (2 - 2 ** -23) * 2 ** 127;
export const SMALLEST_NORMAL_F16: number = 2 ** -14;
export const LARGEST_F16 = 65_504;

/**
 * Expected tier of a sum of n products: |e| <= 12·u·Σ|w·x|. Calibrated: on Gaussian data the largest |e|/(u·Σ|w·x|) is 2.2
 * to 3.9 for n = 256 … 14,336; on captures of SmolLM2 it is 7.4, where one massive activation is most of the sum and every
 * later addition rounds at its size (docs/budgets.md). The proven tier, γ_n = n·u/(1 − n·u) with n the roundings on the
 * longest path, needs no calibration.
 */
export const EXPECTED_SUM_UNITS = 12;

/**
 * Of an engine that declares no order: λ√n (Higham and Mary 2019), as for one long chain. Seen with Transformers in float32
 * on the bundled model: 0.68 √n at most.
 */
export const ANY_ORDER_FACTOR = 2;

/**
 * Root mean square of e/B over a row, head, block or tail in healthy engines, B the expected budget: the largest seen in
 * 1.27e8 element checks (docs/budgets.md), rounded up. Uniform errors over ±u·|y| would give 0.58 = 1/√3.
 */
export const EXPECTED_GROUP_RMS: Readonly<Record<OpName, number>> = {
  embed: 0.45,
  rmsnorm: 0.15,
  matmul: 0.14,
  addBias: 0.45,
  rope: 0.2,
  attention: 0.1,
  silu: 0.18,
  // A single product, as `mul`.
  scale: 0.45,
  // From here to `moeSum`: 2.5 times the largest seen in the untrained tiny models (gemma2, qwen3moe), 3.0e7 checks. They
  // visit few regimes: another cap and other logits gave softcap 0.059 where these had 0.042.
  gelu: 0.3,
  softcap: 0.11,
  moeRoute: 0.09,
  moeSum: 0.45,
  // Their rows are short there; the limit of a matmul on real captures.
  expertMatmul: 0.14,
  // Bit for bit: its budget is 0.
  moeSelect: 0.45,
  mul: 0.45,
  add: 0.45,
};

/** Probability that a healthy run has any group over its limit; divided by the number of groups (Bonferroni). */
export const GROUP_FALSE_ALARM = 1e-6;

/** Bias: |t| above this and a mean above that, in units of the last place. A truncating store has mean −0.5. */
export const BIAS_T = 6;
export const BIAS_MEAN_ULP = 0.05;

/** Elements below which a t-test says nothing. */
export const BIAS_LEAST_COUNT = 256;

/** Activation quantisers round x/d; a value this near to a tie (relative to |x/d|, in u) may go either way. */
export const TIE_UNITS = 4;

/** Most packs that one check compares the program with. */
export const MAX_PACKS = 8;

/**
 * Stretches of ops judged as one: distance from the reference over the largest of `BRACKET_RUNS` runs in which every op is
 * off by its whole expected budget, in random directions. A healthy engine spends about a sixth of its budgets (root mean
 * square e/B is 0.05 to 0.45, docs/budgets.md); 8 is past what any directions of such errors made in the tests.
 */
export const BRACKET_RUNS = 6;
export const BRACKET_SUSPECT_RATIO = 1;
export const BRACKET_BUG_RATIO = 8;

/** Relative error of tanh in units: by e^, as (1 − t)/(1 + t), or a series near 0 that is no worse. */
export const TANH_UNITS = 10;
