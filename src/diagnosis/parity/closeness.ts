// How near two rows of logits are, in the classic figures.

export interface Closeness {
  /** NaN where a row has no length, or a logit is not finite. */
  cosine: number;
  maxAbsDifference: number;
}

/** Of rows of one length. */
export function closenessOf(a: ArrayLike<number>, b: ArrayLike<number>): Closeness {
  let [product, ofA, ofB, most] = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    const [x, y] = [a[i] ?? Number.NaN, b[i] ?? Number.NaN];
    product += x * y;
    ofA += x * x;
    ofB += y * y;
    most = Math.max(most, Math.abs(x - y));
  }
  return { cosine: product / Math.sqrt(ofA * ofB), maxAbsDifference: most };
}
