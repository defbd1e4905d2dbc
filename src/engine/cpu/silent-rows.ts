// A norm whose squares overflow divides by infinity and leaves a row of zeros, which nothing after it notices. Looked for
// at every norm of every run, so a healthy row costs one look at its first number: of a row that was divided by infinity
// that is 0 or NaN.

/** Whether a row of `out` is all zeros though its row of `x` is not, or holds NaN or infinity. Rows of `width`. */
export function hasSilentRow(out: Float32Array, x: Float32Array, width: number): boolean {
  for (let row = 0; row < out.length; row += width) {
    const first = out[row] ?? 0;
    // The difference is NaN for infinities and NaN.
    if (first !== 0 && first - first === 0) continue;
    const most = largestOf(out, row, width);
    if (!(most < Infinity) || (most === 0 && largestOf(x, row, width) > 0)) return true;
  }
  return false;
}

/** Largest |x|; NaN where one is. */
function largestOf(data: Float32Array, from: number, count: number): number {
  let largest = 0;
  for (let i = from; i < from + count; i += 1) largest = Math.max(largest, Math.abs(data[i] ?? 0));
  return largest;
}
