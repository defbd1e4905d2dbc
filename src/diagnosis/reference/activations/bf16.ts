// bfloat16: the upper half of a float32, rounded to the nearest, ties to even, subnormals kept: in every build the same.

export function roundToBf16(x: Float64Array): Float64Array {
  const rounded = Float32Array.from(x);
  const bits = new Uint32Array(rounded.buffer);
  for (const [i, value] of rounded.entries()) {
    const word = bits[i] ?? 0;
    // Half of the unit that stays, less one where the last bit that stays is even. A NaN must not be carried over.
    if (!Number.isNaN(value)) bits[i] = (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000;
  }
  return Float64Array.from(rounded);
}
