// The ids of the largest logits of each row, largest first; of equal ones the lower id first. A NaN is greater than
// nothing and nothing is greater than it, so it is kept where it comes first among the ids that are left.

/**
 * @param logits [rows, expertCount]
 * @returns [rows, usedCount]
 */
export function moeSelect(logits: Float64Array, expertCount: number, usedCount: number): Float64Array {
  const out = new Float64Array((logits.length / expertCount) * usedCount);
  for (let row = 0; row * expertCount < logits.length; row += 1) {
    const own = logits.subarray(row * expertCount, (row + 1) * expertCount);
    // Not a sort: with NaN among the numbers there is no order to sort by.
    const left = new Set(own.keys());
    for (let slot = 0; slot < usedCount; slot += 1) {
      const best = [...left].reduce((first, id) => ((own[id] ?? 0) > (own[first] ?? 0) ? id : first));
      left.delete(best);
      out[row * usedCount + slot] = best;
    }
  }
  return out;
}
