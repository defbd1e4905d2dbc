// out = x/2 · (1 + tanh u) with u = √(2/π) · (x + 0.044715·x³), as x / (1 + e^(−2u)): the same number, since
// (1 + tanh u)/2 = 1 / (1 + e^(−2u)), without the cancellation of 1 + tanh u at negative u.
// Source: Hendrycks and Gimpel 2016, the tanh form.

export function gelu(x: Float64Array): Float64Array {
  return x.map((value) => {
    const u = Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3);
    return value / (1 + Math.exp(-2 * u));
  });
}
