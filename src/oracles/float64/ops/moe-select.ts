// The ids of the largest logits of each row, largest first; of equal ones the lower id first.

/**
 * @param logits [rows, expertCount]
 * @returns [rows, usedCount]
 */
export function moeSelect(logits: Float64Array, expertCount: number, usedCount: number): Float64Array {
  const out = new Float64Array((logits.length / expertCount) * usedCount);
  for (let row = 0; row * expertCount < logits.length; row += 1) {
    const own = [...logits.subarray(row * expertCount, (row + 1) * expertCount)].map((logit, id) => ({ logit, id }));
    const ranked = own.toSorted((a, b) => b.logit - a.logit || a.id - b.id);
    for (let slot = 0; slot < usedCount; slot += 1) out[row * usedCount + slot] = ranked[slot]?.id ?? Number.NaN;
  }
  return out;
}
