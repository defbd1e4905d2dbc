// The engine's e^x, against Math.exp in double. `bench/exp-ulp.ts` does the same for every f32 there is.
import { describe, expect, it } from 'vitest';
import { CPU_PROFILE } from '../../../../src/engine/cpu/cpu-profile.ts';
import { siluKernel } from '../../../../src/engine/cpu/kernels/silu.ts';
import { GuardedMemory } from '../../../../falsifiers/kit/judges/guarded-memory.ts';
import { ulpError } from '../../../cases/ulp.ts';

async function exp(values: Float32Array): Promise<Float32Array> {
  const memory = new GuardedMemory();
  const functions = await siluKernel.instantiate(memory.memory);
  const pointer = memory.put(values);
  functions.exp(pointer, values.length);
  expect(memory.brokenGuards()).toEqual([]);
  return memory.read(pointer, values.length);
}

/** Every `stride`-th f32 from `from` towards larger magnitude. */
function sweep(from: number, to: number, stride: number): Float32Array {
  const bits = new Uint32Array(Float32Array.of(from, to).buffer);
  const [first = 0, last = 0] = bits;
  const values = Uint32Array.from({ length: Math.ceil((last - first + 1) / stride) }, (_, i) => first + i * stride);
  return new Float32Array(values.buffer);
}

describe('e^x', () => {
  // A prime stride: no pattern of the low bits is left out.
  it.each([
    ['x <= 0', sweep(-(2 ** -30), -105, 331)],
    ['x >= 0', sweep(2 ** -30, 88.7228, 331)],
  ])('errs by at most the declared ulps for %s', async (_, inputs) => {
    const results = await exp(inputs);
    let [worst, at] = [0, 0];
    for (const [i, x] of inputs.entries()) {
      const error = ulpError(results[i] ?? Number.NaN, Math.exp(x));
      // A NaN is worse than anything, and stays.
      if (!(error <= worst) && !Number.isNaN(worst)) [worst, at] = [error, x];
    }
    if (!(worst <= CPU_PROFILE.expMaxUlp)) expect.fail(`${worst} ulp at x = ${at}`);
    expect(inputs.length).toBeGreaterThan(700_000);
  });

  it('is exact at the ends: 0, the infinities, NaN', async () => {
    const ends = Float32Array.of(0, -0, -Infinity, Infinity, Number.NaN, -104, -1000, 89, 1e-40, -1e-40);
    expect([...(await exp(ends))]).toEqual([1, 1, 0, Infinity, Number.NaN, 0, 0, Infinity, 1, 1]);
  });

  it('gives a value the same bits at every place of a buffer', async () => {
    const inputs = Float32Array.from({ length: 7 }, () => -1.2345678);
    expect(new Set(await exp(inputs)).size).toBe(1);
  });
});
