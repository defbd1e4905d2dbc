// q8_1 as ggml makes it, for weights whose blocks have a minimum m: the values of q8_0, and beside each block
// s = d·Σq with the unrounded d, stored as float16. A block of a product is then Σ d_w·q_w·d·q + m·s, which is Σ w·x
// plus m times what s is off from Σ d·q. That is far more than a float32 budget allows.
import { quantizeQ80 } from './q8_0.ts';
import { isTie, roundedValues, type BlockSums, type RoundedActivations } from './rounded-activations.ts';

/** @throws RefuteError E_ACTIVATION_BLOCK */
export function roundToQ81(x: ArrayLike<number>): RoundedActivations & { sums: BlockSums } {
  const blocks = quantizeQ80(x);
  const { blockElements, steps, unroundedSteps, integers } = blocks;
  const errors = new Float64Array(steps.length);
  const slacks = new Float64Array(steps.length);
  for (const [block, step] of steps.entries()) {
    const q = integers.subarray(block * blockElements, (block + 1) * blockElements);
    const least = q.reduce((sum, integer) => sum + Math.floor(integer), 0);
    // Every tie may add one.
    const sums = Array.from({ length: 1 + q.filter(isTie).length }, (_, n) => least + n);
    const off = sums.map((sum) => Math.f16round(Math.fround((unroundedSteps[block] ?? 0) * sum)) - step * sum);
    const [lowest, highest] = [Math.min(...off), Math.max(...off)];
    errors[block] = (lowest + highest) / 2;
    // A sum beyond float16 is infinite.
    slacks[block] = highest === lowest ? 0 : (highest - lowest) / 2;
  }
  return { ...roundedValues(blocks), sums: { blockElements, errors, slacks } };
}
