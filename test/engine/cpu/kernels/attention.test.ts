// attention at its edges. The search against float64 is FALSIFY-ATTN-001, that of its softmax FALSIFY-SOFT-001.
import { describe, expect, it } from 'vitest';
import { GuardedMemory } from '../../../../falsifiers/kit/judges/guarded-memory.ts';
import { attentionKernel } from '../../../../src/engine/cpu/kernels/attention.ts';
import { randomFloats } from '../../../cases/random-blocks.ts';

interface Case {
  headDim: number;
  kvHeadCount: number;
  groupHeads: number;
  firstPosition: number;
  rows: number;
  window: number;
  deviation: number;
  cap?: number;
}

/** Fills the cache in two appends, as a session would, then attends: all rows at once, and one by one. */
async function attend({ headDim, kvHeadCount, groupHeads, firstPosition, rows, window, deviation, cap = 0 }: Case) {
  const memory = new GuardedMemory();
  const { append, attention } = await attentionKernel.instantiate(memory.memory);
  const [seen, headCount, kvDim] = [firstPosition + rows, kvHeadCount * groupHeads, kvHeadCount * headDim];
  const capacity = seen + 2;
  const [k, v] = [randomFloats(1, seen * kvDim, deviation), randomFloats(2, seen * kvDim, 1)];
  const q = randomFloats(3, rows * headCount * headDim, deviation);
  const [keys = 0, values = 0] = [k, v].map((all) => {
    const [cache, source] = [memory.room(capacity * kvDim), memory.put(all)];
    if (firstPosition > 0) append(cache, source, 0, firstPosition, capacity, kvHeadCount, headDim);
    append(cache, source + 4 * firstPosition * kvDim, firstPosition, rows, capacity, kvHeadCount, headDim);
    return cache;
  });
  const [out, queries, scores] = [memory.room(q.length), memory.put(q), memory.room(capacity + 4)];
  const run = (row: number, count: number): void => {
    const at = 4 * row * headCount * headDim;
    const [scale, position] = [1 / Math.sqrt(headDim), firstPosition + row];
    const sizes = [capacity, headCount, kvHeadCount, headDim] as const;
    attention(out + at, queries + at, keys, values, scores, position, count, ...sizes, scale, window, cap);
  };
  run(0, rows);
  const together = memory.read(out, q.length);
  for (let row = 0; row < rows; row++) run(row, 1);
  expect(memory.brokenGuards()).toEqual([]);
  return { v, together, alone: memory.read(out, q.length) };
}

describe('attention', () => {
  it.each([
    { headDim: 33, kvHeadCount: 2, groupHeads: 3, firstPosition: 62, rows: 5, window: 0, deviation: 1 },
    { headDim: 260, kvHeadCount: 1, groupHeads: 2, firstPosition: 3, rows: 2, window: 2, deviation: 6 },
    { headDim: 64, kvHeadCount: 2, groupHeads: 1, firstPosition: 130, rows: 2, window: 65, deviation: 1, cap: 2 },
  ])('gives a row the same bits alone and among others: %o', async (of) => {
    const { together, alone } = await attend(of);
    expect(new Uint32Array(together.buffer)).toEqual(new Uint32Array(alone.buffer));
  });

  it.each([1, 0])('copies v where only one position is seen, whatever the score, window %i', async (window) => {
    const of = { headDim: 5, kvHeadCount: 2, groupHeads: 2, firstPosition: 0, rows: 1, window, deviation: 1e15 };
    const { together, v } = await attend(of);
    expect([...together]).toEqual([0, 0, 1, 1].flatMap((head) => [...v.subarray(5 * head, 5 * head + 5)]));
  });

  it('stays finite where scores differ by millions', async () => {
    const of = { headDim: 64, kvHeadCount: 1, groupHeads: 1, firstPosition: 70, rows: 3, window: 0, deviation: 1e3 };
    const { together } = await attend(of);
    expect(together.every(Number.isFinite)).toBe(true);
  });

  it('caps the scores: a cap beyond them moves little, a narrow one evens them out', async () => {
    const of = { headDim: 20, kvHeadCount: 2, groupHeads: 1, firstPosition: 0, rows: 9, window: 0, deviation: 2 };
    const plain = (await attend(of)).together;
    const largestChange = async (cap: number): Promise<number> => {
      const capped = (await attend({ ...of, cap })).together;
      return Math.max(...capped.map((value, i) => Math.abs(value - (plain[i] ?? Number.NaN))));
    };
    expect(await largestChange(1e4)).toBeLessThan(1e-5);
    expect(await largestChange(0.1)).toBeGreaterThan(0.1);
  });
});
