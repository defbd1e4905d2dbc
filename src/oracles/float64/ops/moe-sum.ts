// out[c] = Σ_s shares[s] · x[s, c], slots left to right from +0.

/**
 * @param x      [rows, usedCount, channels]
 * @param shares [rows, usedCount]
 * @returns [rows, channels]
 */
export function moeSum(x: Float64Array, shares: Float64Array, rowCount: number): Float64Array {
  const usedCount = shares.length / rowCount;
  const channelCount = x.length / shares.length;
  const out = new Float64Array(rowCount * channelCount);
  for (const [slot, share] of shares.entries()) {
    const row = Math.floor(slot / usedCount);
    for (let c = 0; c < channelCount; c += 1) {
      out[row * channelCount + c] =
        (out[row * channelCount + c] ?? Number.NaN) + share * (x[slot * channelCount + c] ?? Number.NaN);
    }
  }
  return out;
}
