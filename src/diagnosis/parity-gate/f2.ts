// The F2 rule: whether a GPU computes what the CPU does, from the logits of both at a few positions. A coarse net, held
// before a model speaks; what an op may be off by is the local check's.

/** Below it the two compute different functions. */
const LEAST_COSINE = 0.95;
/** Below it another choice counts: above it, it is a near-tie. */
const LEAST_COSINE_OF_A_FLIP = 0.98;

export interface GatePosition {
  position: number;
  /** Of the two rows of logits; NaN where one has no length or is not finite. */
  cosine: number;
  isSameTop: boolean;
  isRejected: boolean;
}

/**
 * Position 0 has seen one token, its logits are nearly flat: it is reported and rejects nothing.
 *
 * @param gpu [positions, vocabulary]
 * @param cpu of the same shape
 */
export function f2Positions(gpu: ArrayLike<number>, cpu: ArrayLike<number>, vocabSize: number): GatePosition[] {
  return Array.from({ length: cpu.length / vocabSize }, (_, position) => {
    const start = position * vocabSize;
    const cosine = cosineOf(gpu, cpu, start, vocabSize);
    const isSameTop = topOf(gpu, start, vocabSize) === topOf(cpu, start, vocabSize);
    const isAgreed = cosine >= (isSameTop ? LEAST_COSINE : LEAST_COSINE_OF_A_FLIP);
    return { position, cosine, isSameTop, isRejected: position > 0 && !isAgreed };
  });
}

function cosineOf(a: ArrayLike<number>, b: ArrayLike<number>, start: number, count: number): number {
  let [product, ofA, ofB] = [0, 0, 0];
  for (let i = start; i < start + count; i += 1) {
    const [x, y] = [a[i] ?? Number.NaN, b[i] ?? Number.NaN];
    product += x * y;
    ofA += x * x;
    ofB += y * y;
  }
  return product / Math.sqrt(ofA * ofB);
}

/** Of equals the first. */
function topOf(logits: ArrayLike<number>, start: number, count: number): number {
  let top = 0;
  for (let i = 1; i < count; i += 1) if ((logits[start + i] ?? 0) > (logits[start + top] ?? 0)) top = i;
  return top;
}
