// out = a + b, element by element; shapes are equal.

export function add(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + (b[i] ?? Number.NaN));
}
