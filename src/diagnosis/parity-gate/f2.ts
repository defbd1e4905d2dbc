// The F2 rule: whether a GPU computes what the CPU does, from the logits of both at a few positions. A coarse net, held
// before a model speaks; what an op may be off by is the local check's.
import { closenessOf } from '../parity/closeness.ts';
import { likeliest } from '../parity/distributions.ts';

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
export function f2Positions(gpu: Float64Array, cpu: Float64Array, vocabSize: number): GatePosition[] {
  return Array.from({ length: cpu.length / vocabSize }, (_, position) => {
    const [start, end] = [position * vocabSize, (position + 1) * vocabSize];
    const [ours, theirs] = [gpu.subarray(start, end), cpu.subarray(start, end)];
    const { cosine } = closenessOf(ours, theirs);
    const isSameTop = likeliest(ours) === likeliest(theirs);
    const isAgreed = cosine >= (isSameTop ? LEAST_COSINE : LEAST_COSINE_OF_A_FLIP);
    return { position, cosine, isSameTop, isRejected: position > 0 && !isAgreed };
  });
}
