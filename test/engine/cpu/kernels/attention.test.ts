// attention against softmax(scale · q·k) · v in double, over heads of any width, grouped heads, windows and positions.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attentionKernel } from '../../../../src/engine/cpu/kernels/attention.ts';
import { GuardedMemory } from '../../../cases/guarded-memory.ts';
import { randomFloats } from '../../../cases/random-blocks.ts';

const UNIT_ROUNDOFF = 2 ** -24;

interface Case {
  headDim: number;
  kvHeadCount: number;
  groupHeads: number;
  firstPosition: number;
  rows: number;
  window: number;
  deviation: number;
  seed: number;
}

const cases: fc.Arbitrary<Case> = fc.record({
  headDim: fc.constantFrom(1, 3, 4, 6, 31, 32, 33, 36, 64, 100, 260),
  kvHeadCount: fc.integer({ min: 1, max: 3 }),
  groupHeads: fc.integer({ min: 1, max: 3 }),
  firstPosition: fc.constantFrom(0, 1, 3, 62, 63, 130),
  rows: fc.constantFrom(1, 2, 5),
  window: fc.constantFrom(0, 1, 2, 7, 65, 1000),
  deviation: fc.constantFrom(0.1, 1, 6),
  seed: fc.nat(),
});

/** Fills the cache in two appends, as a session would, then attends. */
async function attend({ headDim, kvHeadCount, groupHeads, firstPosition, rows, window, deviation, seed }: Case) {
  const memory = new GuardedMemory();
  const { append, attention } = await attentionKernel.instantiate(memory.memory);
  const [seen, headCount, kvDim] = [firstPosition + rows, kvHeadCount * groupHeads, kvHeadCount * headDim];
  const capacity = seen + 2;
  const [k, v] = [randomFloats(seed, seen * kvDim, deviation), randomFloats(seed + 1, seen * kvDim, 1)];
  const q = randomFloats(seed + 2, rows * headCount * headDim, deviation);
  const scale = 1 / Math.sqrt(headDim);
  const caches = [k, v].map((values) => {
    const [cache, source] = [memory.room(capacity * kvDim), memory.put(values)];
    if (firstPosition > 0) append(cache, source, 0, firstPosition, capacity, kvHeadCount, headDim);
    append(cache, source + 4 * firstPosition * kvDim, firstPosition, rows, capacity, kvHeadCount, headDim);
    return cache;
  });
  const [out, queries, scores] = [memory.room(q.length), memory.put(q), memory.room(capacity + 4)];
  const [keyCache = 0, valueCache = 0] = caches;
  const run = (at: number, position: number, count: number): void =>
    attention(
      out + 4 * at,
      queries + 4 * at,
      keyCache,
      valueCache,
      scores,
      position,
      count,
      capacity,
      headCount,
      kvHeadCount,
      headDim,
      scale,
      window,
    );
  run(0, firstPosition, rows);
  const together = memory.read(out, q.length);
  for (let row = 0; row < rows; row++) run(row * headCount * headDim, firstPosition + row, 1);
  return { q, k, v, scale, together, alone: memory.read(out, q.length), brokenGuards: memory.brokenGuards() };
}

describe('attention', () => {
  it('stays within its budget of float64 and writes only its output', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (of) => {
        const { q, k, v, scale, together, brokenGuards } = await attend(of);
        const { headDim, kvHeadCount, groupHeads, firstPosition, rows, window } = of;
        const headCount = kvHeadCount * groupHeads;
        for (let head = 0; head < rows * headCount; head++) {
          const position = firstPosition + Math.floor(head / headCount);
          const kvHead = Math.floor((head % headCount) / groupHeads);
          const first = window === 0 ? 0 : Math.max(0, position - window + 1);
          const positions = Array.from({ length: position - first + 1 }, (_, i) => first + i);
          const at = (j: number, d: number): number => (j * kvHeadCount + kvHead) * headDim + d;
          const scores = positions.map((j) => {
            let [sum, magnitude] = [0, 0];
            for (let d = 0; d < headDim; d++) {
              const term = scale * (q[head * headDim + d] ?? 0) * (k[at(j, d)] ?? 0);
              sum += term;
              magnitude += Math.abs(term);
            }
            return { sum, magnitude };
          });
          const largest = Math.max(...scores.map(({ sum }) => sum));
          const weights = scores.map(({ sum }) => Math.exp(sum - largest));
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          // Scores err by 8u of their magnitude and the scale's own rounding, e^ by 2u and u·|s - max|, the two sums over
          // positions and the division by 16u; a relative error of a weight counts twice, in numerator and denominator.
          const scoreError = Math.max(...scores.map(({ magnitude }) => 10 * magnitude));
          const spread = Math.max(...scores.map(({ sum }) => largest - sum));
          const relative = (2 * (2 * scoreError + Math.min(spread, 104) + 3) + 16) * UNIT_ROUNDOFF;
          for (let d = 0; d < headDim; d++) {
            let [exact, magnitude] = [0, 0];
            for (const [i, j] of positions.entries()) {
              const term = ((weights[i] ?? 0) / total) * (v[at(j, d)] ?? 0);
              exact += term;
              magnitude += Math.abs(term);
            }
            const actual = together[head * headDim + d] ?? Number.NaN;
            if (!(Math.abs(actual - exact) <= relative * magnitude + 2 ** -140)) {
              expect.fail(`head ${head}, channel ${d}: ${actual}, float64 says ${exact}`);
            }
          }
        }
        expect(brokenGuards).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('gives a row the same bits alone and among others', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (of) => {
        const { together, alone } = await attend(of);
        expect(new Uint32Array(together.buffer)).toEqual(new Uint32Array(alone.buffer));
      }),
      { numRuns: 50 },
    );
  });

  it('copies v where only one position is seen, whatever the score', async () => {
    for (const window of [1, 0]) {
      const of = {
        headDim: 5,
        kvHeadCount: 2,
        groupHeads: 2,
        firstPosition: 0,
        rows: 1,
        window,
        deviation: 1e15,
        seed: 3,
      };
      const { together, v } = await attend(of);
      expect([...together]).toEqual([0, 0, 1, 1].flatMap((head) => [...v.subarray(5 * head, 5 * head + 5)]));
    }
  });

  it('stays finite where scores differ by millions', async () => {
    const of = {
      headDim: 64,
      kvHeadCount: 1,
      groupHeads: 1,
      firstPosition: 70,
      rows: 3,
      window: 0,
      deviation: 1e3,
      seed: 4,
    };
    const { together } = await attend(of);
    expect(together.every(Number.isFinite)).toBe(true);
  });
});
