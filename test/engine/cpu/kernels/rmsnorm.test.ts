// rmsnorm against x / sqrt(mean(x²) + eps) · gain in double.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rmsnormKernel } from '../../../../src/engine/cpu/kernels/rmsnorm.ts';
import { GuardedMemory } from '../../../cases/guarded-memory.ts';
import { randomFloats } from '../../../cases/random-blocks.ts';

const UNIT_ROUNDOFF = 2 ** -24;

async function rmsnorm(x: Float32Array, gain: Float32Array, eps: number): Promise<Float32Array> {
  const memory = new GuardedMemory();
  const kernel = await rmsnormKernel.instantiate(memory.memory);
  const out = memory.room(x.length);
  kernel.rmsnorm(out, memory.put(x), memory.put(gain), eps, gain.length, x.length / gain.length);
  expect(memory.brokenGuards()).toEqual([]);
  return memory.read(out, x.length);
}

describe('rmsnorm', () => {
  it('stays within its budget of float64 for any width', async () => {
    const cases = fc.record({
      channels: fc.constantFrom(1, 2, 3, 4, 31, 33, 64, 127, 129, 256, 257, 576, 1025),
      rows: fc.integer({ min: 1, max: 3 }),
      deviation: fc.constantFrom(1e-4, 1e-2, 1, 1e3),
      eps: fc.constantFrom(1e-6, 1e-5),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ channels, rows, deviation, eps, seed }) => {
        const x = randomFloats(seed, rows * channels, deviation);
        const gain = randomFloats(seed + 1, channels, 1);
        const out = await rmsnorm(x, gain, eps);
        // A sum of squares of n terms in chunks of 256 and 4 lanes: a term passes at most 64 + n/256 + 3 additions and its
        // own product; the root halves that. Then: / n, + eps, eps as f32, root, reciprocal, two products.
        const sumRoundings = Math.min(channels, 64) + channels / 256 + 4;
        const budget = (0.5 * (sumRoundings + 3) + 4) * UNIT_ROUNDOFF;
        for (let row = 0; row < rows; row++) {
          const values = x.subarray(row * channels, (row + 1) * channels);
          const meanSquare = values.reduce((sum, value) => sum + value * value, 0) / channels;
          for (const [i, value] of values.entries()) {
            const exact = (value / Math.sqrt(meanSquare + eps)) * (gain[i] ?? 0);
            const actual = out[row * channels + i] ?? Number.NaN;
            if (!(Math.abs(actual - exact) <= budget * Math.abs(exact) + 2 ** -149)) {
              expect.fail(`channel ${i}: ${actual}, float64 says ${exact}`);
            }
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('makes zeros of zeros', async () => {
    expect([...(await rmsnorm(new Float32Array(5), new Float32Array(5).fill(2), 1e-6))]).toEqual([0, 0, 0, 0, 0]);
  });

  it('makes NaN of a row with a NaN, and only of that row', async () => {
    const out = await rmsnorm(Float32Array.of(1, Number.NaN, 1, 1), Float32Array.of(1, 1), 0);
    expect([...out]).toEqual([Number.NaN, Number.NaN, 1, 1]);
  });
});
