// q8_0 as ggml makes it: 32 elements share d = amax/127, computed in float32 and stored as float16; q is x over the
// unrounded d. Plain builds multiply by 1/d and round halves away from zero, those with AVX multiply by 127/amax and
// round them to even, others divide: up to three roundings on the way, and where those reach a tie, both neighbours.
import { gamma } from '../arithmetic.ts';
import { UNIT_F32 } from '../../ops/constants.ts';
import { blockCountOf, extremeOf, type EightBitBlocks } from './rounded-activations.ts';

const BLOCK_ELEMENTS = 32;

/** Of d, of its inverse, and of the product with it. */
const QUOTIENT_ROUNDINGS = 3;

/** @throws RefuteError E_ACTIVATION_BLOCK */
export function quantizeQ80(x: ArrayLike<number>): EightBitBlocks & { unroundedSteps: Float64Array } {
  const blockCount = blockCountOf(x, BLOCK_ELEMENTS, 'q8_0');
  const unroundedSteps = new Float64Array(blockCount);
  const integers = new Float64Array(x.length);
  for (let block = 0; block < blockCount; block += 1) {
    const [first, end] = [block * BLOCK_ELEMENTS, (block + 1) * BLOCK_ELEMENTS];
    const extreme = extremeOf(x, first, end);
    unroundedSteps[block] = Math.fround(extreme / 127);
    if (extreme === 0) continue;
    for (let i = first; i < end; i += 1) integers[i] = nearestOrBoth((127 * (x[i] ?? 0)) / extreme);
  }
  return { blockElements: BLOCK_ELEMENTS, steps: unroundedSteps.map(Math.f16round), unroundedSteps, integers };
}

function nearestOrBoth(quotient: number): number {
  const tie = Math.floor(quotient) + 0.5;
  const reach = gamma(QUOTIENT_ROUNDINGS, UNIT_F32) * Math.abs(quotient);
  return Math.abs(quotient - tie) <= reach ? tie : Math.round(quotient);
}
