// out = cap · tanh(x / cap): x itself near 0, never beyond ±cap. Source: Gemma 2, arXiv:2408.00118, §2.

export function softcap(x: Float64Array, cap: number): Float64Array {
  return x.map((value) => cap * Math.tanh(value / cap));
}
