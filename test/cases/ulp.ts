// Distances in units of the last place of f32.

/** The gap between neighbouring f32 at `value`; subnormals are 2^-149 apart. */
export function ulpAt(value: number): number {
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  // log2 may round up just below a power of two.
  const floor = 2 ** exponent > Math.abs(value) ? exponent - 1 : exponent;
  return 2 ** (Math.max(floor, -126) - 23);
}

/** |actual - exact| in ulps of f32 at `exact`; NaN where either is NaN. */
export function ulpError(actual: number, exact: number): number {
  return actual === exact ? 0 : Math.abs(actual - exact) / ulpAt(exact);
}
