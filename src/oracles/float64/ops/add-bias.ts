// out[p, c] = x[p, c] + bias[c]

/**
 * @param x [rows, channels]
 * @param bias [channels]
 */
export function addBias(x: Float64Array, bias: Float64Array): Float64Array {
  return x.map((value, i) => value + (bias[i % bias.length] ?? Number.NaN));
}
