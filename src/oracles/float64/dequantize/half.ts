// float16 to double, exactly: s · significand · 2^(max(e, 1) − 25), with 5 exponent bits e and 10 fraction bits. The
// oracle's own; the engine has another.

/** 2^(max(e, 1) − 25) of every exponent field e: what one unit of the significand is worth. */
const UNITS: Float64Array = Float64Array.from({ length: 32 }, (_, e) => 2 ** (Math.max(e, 1) - 25));

/** @param bits the 16 bits as an unsigned integer */
export function halfToDouble(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits >> 15 === 1 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  // Subnormals (exponent 0) have no hidden bit.
  const significand = exponent === 0 ? fraction : fraction + 1024;
  return sign * significand * (UNITS[exponent] ?? Number.NaN);
}
