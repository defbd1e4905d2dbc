// float16: one rounding to the nearest, ties to even, subnormals kept: in every build the same.

export function roundToF16(x: Float64Array): Float64Array {
  return x.map(Math.f16round);
}
