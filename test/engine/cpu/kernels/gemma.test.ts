// gelu, softcap and scale, the kernels that Gemma 2 adds, against double precision: no falsifier searches them alone.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { geluKernel } from '../../../../src/engine/cpu/kernels/gelu.ts';
import type { Pointer } from '../../../../src/engine/cpu/kernels/kernel-memory.ts';
import { scaleKernel } from '../../../../src/engine/cpu/kernels/scale.ts';
import { softcapKernel } from '../../../../src/engine/cpu/kernels/softcap.ts';
import { GuardedMemory } from '../../../../falsifiers/kit/judges/guarded-memory.ts';
import { ulpAt } from '../../../cases/ulp.ts';

type Apply = (memory: GuardedMemory, out: Pointer, x: Pointer, count: number) => Promise<void>;

async function run(x: Float32Array, apply: Apply): Promise<Float32Array> {
  const memory = new GuardedMemory();
  const [out, from] = [memory.room(x.length), memory.put(x)];
  await apply(memory, out, from, x.length);
  expect(memory.brokenGuards()).toEqual([]);
  return memory.read(out, x.length);
}

const gelu: Apply = async ({ memory }, out, x, count) => (await geluKernel.instantiate(memory)).gelu(out, x, count);
const capped =
  (cap: number): Apply =>
  async ({ memory }, out, x, count) =>
    (await softcapKernel.instantiate(memory)).softcap(out, x, cap, count);
const scaled =
  (factor: number): Apply =>
  async ({ memory }, out, x, count) =>
    (await scaleKernel.instantiate(memory)).scale(out, x, factor, count);

const floats = (limit: number) =>
  fc
    .array(fc.float({ min: Math.fround(-limit), max: Math.fround(limit), noNaN: true }), {
      minLength: 1,
      maxLength: 40,
    })
    .map((list) => Float32Array.from(list));

describe('gelu', () => {
  it('stays within rounding of x / (1 + e^-2u)', async () => {
    // 2u errs by 4 roundings, which e^ multiplies by |2u|; e^ by 1 ulp; product, sum and quotient by half an ulp each.
    await fc.assert(
      fc.asyncProperty(floats(12), async (x) => {
        for (const [i, y] of (await run(x, gelu)).entries()) {
          const value = x[i] ?? 0;
          const twoU = 2 * Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3);
          const exact = value / (1 + Math.exp(-twoU));
          const bound = (4 + 4 * Math.abs(twoU)) * ulpAt(exact) + Math.abs(value) * 2 ** -149;
          if (!(Math.abs(y - exact) <= bound)) expect.fail(`gelu(${value}) = ${y}, double says ${exact}`);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('keeps zero, large values and NaN', async () => {
    const x = Float32Array.of(0, -0, 100, 3e38, Infinity, Number.NaN, -200, -3e38);
    expect([...(await run(x, gelu))]).toEqual([0, -0, 100, Math.fround(3e38), Infinity, Number.NaN, -0, -0]);
  });
});

describe('softcap', () => {
  it('stays within 4 ulp of cap · tanh(x / cap), and cap times the smallest f32', async () => {
    await fc.assert(
      fc.asyncProperty(floats(400), fc.constantFrom(5, 30, 50), async (x, cap) => {
        for (const [i, y] of (await run(x, capped(cap))).entries()) {
          const exact = cap * Math.tanh((x[i] ?? 0) / cap);
          if (!(Math.abs(y - exact) <= 4 * ulpAt(exact) + cap * 2 ** -149)) {
            expect.fail(`softcap(${x[i]}, ${cap}) = ${y}, double says ${exact}`);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never leaves ±cap, keeps the sign of zero, and shows NaN', async () => {
    const x = Float32Array.of(0, -0, 3e38, -3e38, Infinity, -Infinity, Number.NaN);
    expect([...(await run(x, capped(30)))]).toEqual([0, -0, 30, -30, 30, -30, Number.NaN]);
  });
});

describe('scale', () => {
  it('rounds each product once', async () => {
    await fc.assert(
      fc.asyncProperty(floats(1e30), async (x) => {
        const factor = Math.fround(Math.sqrt(48));
        expect(await run(x, scaled(factor))).toEqual(x.map((value) => value * factor));
      }),
    );
  });
});
