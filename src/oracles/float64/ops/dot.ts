// Σ_i a[aAt + i] · b[bAt + i], left to right from +0, every product and every sum rounded to double. The one order of
// summation of the oracle. |error| ≤ γ_n Σ |a_i·b_i| with γ_n = n·2^-53 / (1 − n·2^-53) (Higham 2002, §3.1).

export function dot(a: Float64Array, aAt: number, b: Float64Array, bAt: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i += 1) sum += (a[aAt + i] ?? Number.NaN) * (b[bAt + i] ?? Number.NaN);
  return sum;
}
