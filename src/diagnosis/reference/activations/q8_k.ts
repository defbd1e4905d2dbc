// q8_K as ggml makes it: 256 elements share i = 127/amax in float32, q is the integer nearest to i·x, ties to even, and
// d = 1/i in float32. ggml gives i the sign that makes the extreme −127, or 127 where two extremes are as large; q and
// d turn together, so their product has no trace of it. A build with fused multiply-add does not round i·x to float32
// first: where that matters, both integers.
import { blockCountOf, extremeOf, type EightBitBlocks } from './rounded-activations.ts';

const BLOCK_ELEMENTS = 256;

/** @throws RefuteError E_ACTIVATION_BLOCK */
export function quantizeQ8K(x: ArrayLike<number>): EightBitBlocks {
  const blockCount = blockCountOf(x, BLOCK_ELEMENTS, 'q8_k');
  const steps = new Float64Array(blockCount);
  const integers = new Float64Array(x.length);
  for (let block = 0; block < blockCount; block += 1) {
    const [first, end] = [block * BLOCK_ELEMENTS, (block + 1) * BLOCK_ELEMENTS];
    const extreme = extremeOf(x, first, end);
    const inverse = Math.fround(127 / extreme);
    // Beyond float32 d is 0: of zeros, and of values below 4e-37.
    if (inverse === Infinity) continue;
    steps[block] = Math.fround(1 / inverse);
    for (let i = first; i < end; i += 1) {
      const product = inverse * (x[i] ?? 0);
      integers[i] = (nearestEven(product) + nearestEven(Math.fround(product))) / 2;
    }
  }
  return { blockElements: BLOCK_ELEMENTS, steps, integers };
}

/** Where the unit of a double is 1 its sum is rounded to an integer, ties to even. */
function nearestEven(value: number): number {
  const unitIsOne = 1.5 * 2 ** 52;
  return value + unitIsOne - unitIsOne;
}
