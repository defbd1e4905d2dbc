// A norm whose squares overflow divides by infinity and leaves a row of zeros, which nothing after it notices. Looked for
// at every norm of every run, so a healthy row costs one look at its first number: of a row that was divided by infinity
// it is 0 or NaN.

/** @returns whether a row of `out` is all zeros though its row of `x` is not, or is not finite. Rows of `width`. */
export function hasSilentRow(out: Float32Array, x: Float32Array, width: number): boolean {
  for (let row = 0; row < out.length; row += width) {
    const first = out[row] ?? 0;
    if (first !== 0 && first - first === 0) continue;
    if (!Number.isFinite(first)) return true;
    if (isZero(out, row, width) && !isZero(x, row, width)) return true;
  }
  return false;
}

function isZero(data: Float32Array, from: number, count: number): boolean {
  for (let i = from; i < from + count; i += 1) if (data[i] !== 0) return false;
  return true;
}
