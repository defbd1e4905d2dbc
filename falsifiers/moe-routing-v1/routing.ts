// The kernels of routing (choice, shares, sum of slots) between guards: searched router logits with what makes a choice
// hard (ties, neighbours in float32, all alike, far apart, what is not finite). What each kernel should give is the float64 oracle's.
import fc from 'fast-check';
import { moeKernel } from '../../src/engine/cpu/kernels/moe.ts';
import { moeSelect } from '../../src/oracles/float64/ops/moe-select.ts';
import { betweenGuards, type KernelRun } from '../kit/judges/guarded-memory.ts';
import { makeValues, valuesRecipe, type ValuesRecipe } from '../kit/arbitraries/kernel-values.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import type { Routing } from '../kit/models/recorded-routings.ts';

interface RoutingRecipe {
  rowCount: number;
  expertCount: number;
  /** One, all, or some number between. */
  used: 'one' | 'all' | number;
  isRenormalised: boolean;
  /** `few`: of three numbers. `neighbours`: at most three units in the last place apart. */
  ties: 'none' | 'few' | 'neighbours';
  logits: ValuesRecipe;
}

/** @param specials put among the logits */
export function routingRecipes(specials: readonly number[]): fc.Arbitrary<RoutingRecipe> {
  return fc.record({
    rowCount: fc.integer({ min: 1, max: 4 }),
    expertCount: fc.constantFrom(1, 2, 3, 4, 5, 6, 8, 9, 31, 32, 33, 63, 65, 127, 128, 129),
    used: fc.oneof(fc.constantFrom('one' as const, 'all' as const), fc.nat(15)),
    isRenormalised: fc.boolean(),
    ties: fc.constantFrom('none', 'few', 'neighbours'),
    logits: valuesRecipe([0, -4, 1, 2, -40, 6, 30], specials),
  });
}

export function makeRouting({ rowCount, expertCount, used, isRenormalised, ties, logits }: RoutingRecipe): Routing {
  const count = rowCount * expertCount;
  const values = makeValues({ ...logits, specials: [] }, count);
  const random = new SeededRandom(logits.seed);
  if (ties === 'few') values.set(values.map(() => values[random.below(3) % count] ?? 0));
  if (ties === 'neighbours') {
    const words = new Uint32Array(values.buffer);
    const [first = 0] = words;
    words.forEach((_, i) => (words[i] = first + random.below(4)));
  }
  for (const { at, value } of logits.specials) values[at % count] = value;
  const usedCount = used === 'one' ? 1 : used === 'all' ? expertCount : 1 + (used % expertCount);
  return { rowCount, expertCount, usedCount, isRenormalised, logits: values };
}

/** The right choice, ids. */
export function chosenIds({ logits, expertCount, usedCount }: Routing): Float64Array {
  return moeSelect(Float64Array.from(logits), expertCount, usedCount);
}

export function choose({ rowCount, expertCount, usedCount, logits }: Routing): Promise<KernelRun> {
  return betweenGuards(moeKernel, rowCount * usedCount, (kernel, out, memory) => {
    kernel.moeSelect(out, memory.put(logits), rowCount, expertCount, usedCount);
  });
}

/** The shares of the right choice, whatever the kernel would have chosen. */
export function share(routing: Routing): Promise<KernelRun> {
  const { rowCount, expertCount, usedCount, isRenormalised, logits } = routing;
  return betweenGuards(moeKernel, rowCount * usedCount, (kernel, out, memory) => {
    const [from, ids] = [memory.put(logits), memory.put(Float32Array.from(chosenIds(routing)))];
    kernel.moeRoute(out, from, ids, rowCount, expertCount, usedCount, isRenormalised);
  });
}

/** Answers of experts with their shares. */
export interface Slots {
  rowCount: number;
  usedCount: number;
  /** [rowCount, usedCount, channels] */
  x: Float32Array;
  /** [rowCount, usedCount] */
  shares: Float32Array;
}

export function sumSlots({ rowCount, usedCount, x, shares }: Slots): Promise<KernelRun> {
  const channelCount = x.length / shares.length;
  return betweenGuards(moeKernel, rowCount * channelCount, (kernel, out, memory) => {
    kernel.moeSum(out, memory.put(x), memory.put(shares), rowCount, usedCount, channelCount);
  });
}
