// The constants that the error budgets of several ops share, each with its basis; what one op alone needs stands with
// it. Nothing is computed here. The derivations are Higham, Accuracy and Stability of Numerical Algorithms (2002),
// §2.2, §3.1; the WGSL figures are those of its accuracy section; what is calibrated says on what, and docs/budgets.md
// has the table that bench/false-alarms.ts prints.

/** Unit roundoff of IEEE types, rounding to nearest: half a unit in the last place, relative. */
export const UNIT_F16: number = 2 ** -11;
export const UNIT_BF16: number = 2 ** -8;
export const UNIT_F32: number = 2 ** -24;
export const UNIT_F64: number = 2 ** -53;

/** Where the direction of rounding is open (WGSL) a result is either neighbour: a whole unit in the last place off. */
export const EITHER_NEIGHBOUR_UNITS = 2;

export const SMALLEST_NORMAL_F32: number = 2 ** -126;
export const LARGEST_F32: number = (2 - 2 ** -23) * 2 ** 127;
export const SMALLEST_NORMAL_F16: number = 2 ** -14;
export const LARGEST_F16 = 65_504;

/**
 * Expected tier of a sum of n products: |e| <= 12·u·Σ|w·x|. Calibrated: on Gaussian data the largest |e|/(u·Σ|w·x|) is
 * 2.2 to 3.9 for n = 256 … 14,336; on captures of SmolLM2 it is 7.4, where one massive activation is most of the sum
 * and every later addition rounds at its size (docs/budgets.md). The proven tier, γ_n = n·u/(1 − n·u) with n the
 * roundings on the longest path, needs no calibration.
 */
export const EXPECTED_SUM_UNITS = 12;

/**
 * Of an engine that declares no order: λ√n (Higham and Mary 2019), as for one long chain. Seen with Transformers in
 * float32 on the bundled model: 0.68 √n at most.
 */
export const ANY_ORDER_FACTOR = 2;

/** Relative error of tanh in units: by e^, as (1 − t)/(1 + t), or a series near 0 that is not worse. */
export const TANH_UNITS = 10;
