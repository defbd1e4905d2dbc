// out = x / (1 + e^(−x)), the formula as it stands: from −709.8 on e^(−x) is infinite and the result −0, which is off
// by less than 10^-305; −Infinity gives NaN. Source: Elfwing et al. 2017.

export function silu(x: Float64Array): Float64Array {
  return x.map((value) => value / (1 + Math.exp(-value)));
}
