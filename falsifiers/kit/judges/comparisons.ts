// Numbers that compare an engine's values with a reference: KL per position, and errors in units of what float32
// arithmetic must do anyway. Everything in double; a value that is not finite makes the number NaN, which is in no bar.

/** KL(reference ‖ other) in nats, of the softmaxes of two rows of logits. */
export function klDivergence(reference: ArrayLike<number>, other: ArrayLike<number>): number {
  const [a, b] = [logSoftmax(reference), logSoftmax(other)];
  let total = 0;
  for (let i = 0; i < a.length; i++) {
    const [p, q] = [a[i] ?? NaN, b[i] ?? NaN];
    total += Math.exp(p) * (p - q);
  }
  // Rounding can leave a sum of zeroes just below zero; a negative divergence does not exist.
  return Math.max(total, 0);
}

function logSoftmax(logits: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(logits);
  const largest = values.reduce((a, b) => (a > b ? a : b), -Infinity);
  const total = values.reduce((sumSoFar, x) => sumSoFar + Math.exp(x - largest), 0);
  return values.map((x) => x - largest - Math.log(total));
}

/** Largest ‖other − reference‖ / ‖reference‖ over rows of `width`; rows that are zero in both count as equal. */
export function worstRowError(reference: ArrayLike<number>, other: ArrayLike<number>, width: number): number {
  if (reference.length !== other.length) return NaN;
  let worst = 0;
  for (let start = 0; start < reference.length; start += width) {
    let [error, size] = [0, 0];
    for (let i = start; i < start + width; i++) {
      const [a, b] = [reference[i] ?? NaN, other[i] ?? NaN];
      error += (a - b) ** 2;
      size += a ** 2;
    }
    // Math.max keeps a NaN, which a comparison would lose at the next row.
    worst = Math.max(worst, error === 0 ? 0 : Math.sqrt(error / size));
  }
  return worst;
}

/** Index of the largest, the first of equals; −1 where nothing is a number. */
export function indexOfLargest(values: ArrayLike<number>): number {
  let best = -1;
  for (let i = 0; i < values.length; i++) {
    if ((values[i] ?? NaN) > (best < 0 ? -Infinity : (values[best] ?? NaN))) best = i;
  }
  return best;
}

/** How far the largest is above the second. */
export function marginOf(values: ArrayLike<number>): number {
  const best = indexOfLargest(values);
  let second = -Infinity;
  for (let i = 0; i < values.length; i++) if (i !== best) second = Math.max(second, values[i] ?? NaN);
  return (values[best] ?? NaN) - second;
}
