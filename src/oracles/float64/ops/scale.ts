// out = x · factor, each product rounded once.

export function scale(x: Float64Array, factor: number): Float64Array {
  return x.map((value) => value * factor);
}
