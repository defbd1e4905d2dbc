// moeSelect, moeRoute and moeSum against the formulas in double precision.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { moeKernel } from '../../../../src/engine/cpu/kernels/moe.ts';
import { GuardedMemory } from '../../../cases/guarded-memory.ts';
import { randomFloats } from '../../../cases/random-blocks.ts';

const routings = fc
  .record({ expertCount: fc.integer({ min: 1, max: 20 }), rowCount: fc.integer({ min: 1, max: 4 }) })
  .chain(({ expertCount, rowCount }) =>
    fc.record({
      expertCount: fc.constant(expertCount),
      rowCount: fc.constant(rowCount),
      usedCount: fc.integer({ min: 1, max: expertCount }),
      isRenormalised: fc.boolean(),
      // Few values, so that there are ties.
      logits: fc
        .array(fc.constantFrom(-3, -0.5, 0, 0.25, 1, 2.5, 7), {
          minLength: expertCount * rowCount,
          maxLength: expertCount * rowCount,
        })
        .map((list) => Float32Array.from(list)),
    }),
  );

describe('routing', () => {
  it('chooses the largest logits, the lower id of equals, and shares by softmax', async () => {
    await fc.assert(
      fc.asyncProperty(routings, async ({ expertCount, rowCount, usedCount, isRenormalised, logits }) => {
        const memory = new GuardedMemory();
        const { moeSelect, moeRoute } = await moeKernel.instantiate(memory.memory);
        const from = memory.put(logits);
        const [ids, shares] = [memory.room(rowCount * usedCount), memory.room(rowCount * usedCount)];
        moeSelect(ids, from, rowCount, expertCount, usedCount);
        moeRoute(shares, from, ids, rowCount, expertCount, usedCount, isRenormalised);
        const chosen = memory.read(ids, rowCount * usedCount);
        const given = memory.read(shares, rowCount * usedCount);
        for (let row = 0; row < rowCount; row += 1) {
          const own = [...logits.subarray(row * expertCount, (row + 1) * expertCount)];
          const ranked = own.map((_, id) => id).toSorted((a, b) => (own[b] ?? 0) - (own[a] ?? 0) || a - b);
          const wanted = ranked.slice(0, usedCount);
          expect([...chosen.subarray(row * usedCount, (row + 1) * usedCount)]).toEqual(wanted);
          const powers = own.map((logit) => Math.exp(logit - Math.max(...own)));
          const among = isRenormalised ? wanted.map((id) => powers[id] ?? 0) : powers;
          const total = among.reduce((a, b) => a + b, 0);
          for (const [slot, id] of wanted.entries()) {
            const exact = (powers[id] ?? 0) / total;
            // e^ and the sum: an ulp each, a rounding per term, the quotient.
            const bound = (expertCount + 4) * 2 ** -23 * exact;
            expect(Math.abs((given[row * usedCount + slot] ?? Number.NaN) - exact)).toBeLessThanOrEqual(bound);
          }
        }
        expect(memory.brokenGuards()).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('answers ids of experts even where every logit is NaN, and shares that show it', async () => {
    const memory = new GuardedMemory();
    const { moeSelect, moeRoute } = await moeKernel.instantiate(memory.memory);
    const from = memory.put(new Float32Array(5).fill(Number.NaN));
    const [ids, shares] = [memory.room(2), memory.room(2)];
    moeSelect(ids, from, 1, 5, 2);
    moeRoute(shares, from, ids, 1, 5, 2, true);
    expect([...memory.read(ids, 2)]).toEqual([0, 1]);
    expect([...memory.read(shares, 2)]).toEqual([Number.NaN, Number.NaN]);
  });
});

describe('moeSum', () => {
  it.each([
    [1, 1, 1],
    [3, 2, 7],
    [2, 8, 32],
  ])('adds the slots left to right, %i rows of %i slots of %i channels', async (rows, slots, channels) => {
    const memory = new GuardedMemory();
    const { moeSum } = await moeKernel.instantiate(memory.memory);
    const [x, shares] = [randomFloats(1, rows * slots * channels, 1), randomFloats(2, rows * slots, 1)];
    const out = memory.room(rows * channels);
    moeSum(out, memory.put(x), memory.put(shares), rows, slots, channels);
    const wanted = Float32Array.from({ length: rows * channels }, (_, i) => {
      const [row, channel] = [Math.floor(i / channels), i % channels];
      let sum = 0;
      for (let slot = 0; slot < slots; slot += 1) {
        const at = row * slots + slot;
        sum = Math.fround(sum + Math.fround((shares[at] ?? 0) * (x[at * channels + channel] ?? 0)));
      }
      return sum;
    });
    expect(memory.read(out, rows * channels)).toEqual(wanted);
    expect(memory.brokenGuards()).toEqual([]);
  });
});
