// The share of each chosen expert: softmax over all experts at the chosen ids, divided by the sum of those where
// isRenormalised. Source: Shazeer et al. 2017, eq. 3 to 5; Qwen3 technical report, arXiv:2505.09388.

/**
 * @param logits  [rows, expertCount]
 * @param experts [rows, usedCount], ids
 * @returns [rows, usedCount]
 */
export function moeRoute(
  logits: Float64Array,
  experts: Float64Array,
  { rowCount, isRenormalised }: { rowCount: number; isRenormalised: boolean },
): Float64Array {
  const [expertCount, usedCount] = [logits.length / rowCount, experts.length / rowCount];
  const out = new Float64Array(experts.length);
  for (let row = 0; row < rowCount; row += 1) {
    const own = logits.subarray(row * expertCount, (row + 1) * expertCount);
    const largest = own.reduce((most, logit) => Math.max(most, logit), -Infinity);
    const powers = own.map((logit) => Math.exp(logit - largest));
    const total = powers.reduce((sum, power) => sum + power, 0);
    const chosen = experts.subarray(row * usedCount, (row + 1) * usedCount);
    const shares = chosen.map((id) => (powers[id] ?? Number.NaN) / total);
    const sum = isRenormalised ? shares.reduce((a, b) => a + b, 0) : 1;
    out.set(
      shares.map((share) => share / sum),
      row * usedCount,
    );
  }
  return out;
}
