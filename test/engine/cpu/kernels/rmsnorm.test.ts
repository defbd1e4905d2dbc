// rmsnorm by hand and at its edges. The search against float64 is FALSIFY-RMSN-001.
import { describe, expect, it } from 'vitest';
import { GuardedMemory } from '../../../../falsifiers/kit/judges/guarded-memory.ts';
import { rmsnormKernel } from '../../../../src/engine/cpu/kernels/rmsnorm.ts';

async function rmsnorm(x: number[], gain: number[], eps: number): Promise<number[]> {
  const memory = new GuardedMemory();
  const kernel = await rmsnormKernel.instantiate(memory.memory);
  const [out, rows, gains] = [
    memory.room(x.length),
    memory.put(Float32Array.from(x)),
    memory.put(Float32Array.from(gain)),
  ];
  kernel.rmsnorm(out, rows, gains, eps, gain.length, x.length / gain.length);
  expect(memory.brokenGuards()).toEqual([]);
  return [...memory.read(out, x.length)];
}

describe('rmsnorm', () => {
  it('divides by the root of the mean square plus eps, and multiplies with the gain', async () => {
    // Mean squares 4 and 1; with eps 12 the first root is 4.
    expect(await rmsnorm([2, -2, 1, 1], [1, 3], 0)).toEqual([1, -3, 1, 3]);
    expect(await rmsnorm([2, -2], [1, 3], 12)).toEqual([0.5, -1.5]);
  });

  it('makes zeros of zeros', async () => {
    expect(await rmsnorm([0, 0, 0, 0, 0], [2, 2, 2, 2, 2], 1e-6)).toEqual([0, 0, 0, 0, 0]);
  });

  it('makes NaN of a row with a NaN, and only of that row', async () => {
    expect(await rmsnorm([1, Number.NaN, 1, 1], [1, 1], 0)).toEqual([Number.NaN, Number.NaN, 1, 1]);
  });
});
