// The kernels that combine two buffers element by element: between guards, on searched inputs and on a stage's. Each rounds
// once, so the bits of the result are known.
import fc from 'fast-check';
import type { Kernel } from '../../../src/engine/cpu/kernels/define-kernel.ts';
import { betweenGuards, type KernelRun } from '../judges/guarded-memory.ts';
import {
  LARGEST,
  makeValues,
  NON_FINITE,
  SMALL_SPECIALS,
  TAIL_LENGTHS,
  valuesRecipe,
  type ValuesRecipe,
} from '../arbitraries/kernel-values.ts';

export interface Pair {
  a: Float32Array;
  b: Float32Array;
}

const SPECIALS = [...SMALL_SPECIALS, ...LARGEST, ...NON_FINITE];
const EXPONENTS = [0, -4, 3, -22, -40, 18, 36];

export interface PairRecipe {
  count: number;
  a: ValuesRecipe;
  b: ValuesRecipe;
  /** b is -a: every sum is a zero, whose sign is a rule of its own. */
  isOpposite: boolean;
}

export const pairRecipes: fc.Arbitrary<PairRecipe> = fc.record({
  count: fc.constantFrom(...TAIL_LENGTHS),
  a: valuesRecipe(EXPONENTS, SPECIALS),
  b: valuesRecipe(EXPONENTS, SPECIALS),
  isOpposite: fc.boolean(),
});

export function makePair({ count, a, b, isOpposite }: PairRecipe): Pair {
  const values = makeValues(a, count);
  return { a: values, b: isOpposite ? values.map((value) => -value) : makeValues(b, count) };
}

/** `combine` on buffers between guards. @param functionOf of the kernel's functions */
export function combinePair<Functions>(
  { a, b }: Pair,
  kernel: Kernel<Functions>,
  functionOf: (functions: Functions) => (out: number, a: number, b: number, count: number) => void,
): Promise<KernelRun> {
  return betweenGuards(kernel, a.length, (functions, out, memory) => {
    functionOf(functions)(out, memory.put(a), memory.put(b), a.length);
  });
}
