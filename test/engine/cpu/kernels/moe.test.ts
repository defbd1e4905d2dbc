// moeSelect, moeRoute and moeSum by hand. The searches against float64 are FALSIFY-MOER-001 to -003 and -005.
import { describe, expect, it } from 'vitest';
import { GuardedMemory } from '../../../../falsifiers/kit/judges/guarded-memory.ts';
import { moeKernel } from '../../../../src/engine/cpu/kernels/moe.ts';

async function route(logits: number[], usedCount: number, isRenormalised: boolean) {
  const memory = new GuardedMemory();
  const { moeSelect, moeRoute } = await moeKernel.instantiate(memory.memory);
  const [from, ids, shares] = [memory.put(Float32Array.from(logits)), memory.room(usedCount), memory.room(usedCount)];
  moeSelect(ids, from, 1, logits.length, usedCount);
  moeRoute(shares, from, ids, 1, logits.length, usedCount, isRenormalised);
  expect(memory.brokenGuards()).toEqual([]);
  return { ids: [...memory.read(ids, usedCount)], shares: [...memory.read(shares, usedCount)] };
}

describe('routing', () => {
  it('chooses the largest logits, of equal ones the lower id, and shares among all or among the chosen', async () => {
    // Four equal logits have a quarter each of all, a half each of two.
    expect(await route([1, 1, 1, 1], 2, false)).toEqual({ ids: [0, 1], shares: [0.25, 0.25] });
    expect(await route([1, 1, 1, 1], 2, true)).toEqual({ ids: [0, 1], shares: [0.5, 0.5] });
    expect((await route([-3, 7, 2.5, 7, 0], 3, true)).ids).toEqual([1, 3, 2]);
  });

  it('answers ids of experts even where every logit is NaN, and shares that show it', async () => {
    const routed = await route([0, 0, 0, 0, 0].fill(Number.NaN), 2, true);
    expect(routed).toEqual({ ids: [0, 1], shares: [Number.NaN, Number.NaN] });
  });
});

describe('moeSum', () => {
  it('adds the slots of a row, each times its share', async () => {
    const memory = new GuardedMemory();
    const { moeSum } = await moeKernel.instantiate(memory.memory);
    const [rows, slots, channels] = [2, 2, 3];
    const x = memory.put(Float32Array.of(1, 2, 3, 4, 5, 6, 1, 1, 1, 2, 2, 2));
    const [out, shares] = [memory.room(rows * channels), memory.put(Float32Array.of(0.5, 0.25, 2, -1))];
    moeSum(out, x, shares, rows, slots, channels);
    expect([...memory.read(out, rows * channels)]).toEqual([1.5, 2.25, 3, 0, 0, 0]);
    expect(memory.brokenGuards()).toEqual([]);
  });
});
