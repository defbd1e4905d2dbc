// out[p, c] = x[p, c] / sqrt(mean_c(x[p, c]²) + eps) · gain[c]
//
// The mean square is a sum left to right, divided by the channel count. Source: Zhang and Sennrich 2019, eq. 4, with
// eps inside the root as in Llama.

/**
 * @param x [rows, channels]
 * @param gain [channels]
 */
export function rmsnorm(x: Float64Array, gain: Float64Array, eps: number): Float64Array {
  const channelCount = gain.length;
  const out = new Float64Array(x.length);
  for (let row = 0; row < x.length; row += channelCount) {
    let squares = 0;
    for (let c = 0; c < channelCount; c += 1) squares += (x[row + c] ?? Number.NaN) ** 2;
    const root = Math.sqrt(squares / channelCount + eps);
    for (let c = 0; c < channelCount; c += 1) {
      out[row + c] = ((x[row + c] ?? Number.NaN) / root) * (gain[c] ?? Number.NaN);
    }
  }
  return out;
}
