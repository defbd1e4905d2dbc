// add, mul, add-bias and silu. The first three are exact per element; silu against x / (1 + e^-x) in double.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addBiasKernel } from '../../../../src/engine/cpu/kernels/add-bias.ts';
import { addKernel } from '../../../../src/engine/cpu/kernels/add.ts';
import { mulKernel } from '../../../../src/engine/cpu/kernels/mul.ts';
import { siluKernel } from '../../../../src/engine/cpu/kernels/silu.ts';
import { GuardedMemory } from '../../../cases/guarded-memory.ts';
import { randomFloats } from '../../../cases/random-blocks.ts';
import { ulpAt } from '../../../cases/ulp.ts';

const pairs = fc
  .integer({ min: 1, max: 40 })
  .chain((length) => fc.tuple(...[0, 1].map(() => fc.float32Array({ minLength: length, maxLength: length }))));

describe('add and mul', () => {
  it('round each element once, for any f32, and write only their output', async () => {
    await fc.assert(
      fc.asyncProperty(pairs, async ([a = new Float32Array(), b = new Float32Array()]) => {
        const memory = new GuardedMemory();
        const { add } = await addKernel.instantiate(memory.memory);
        const { mul } = await mulKernel.instantiate(memory.memory);
        const [left, right, sum, product] = [
          memory.put(a),
          memory.put(b),
          memory.room(a.length),
          memory.room(a.length),
        ];
        add(sum, left, right, a.length);
        mul(product, left, right, a.length);
        expect(memory.read(sum, a.length)).toEqual(a.map((value, i) => value + (b[i] ?? 0)));
        expect(memory.read(product, a.length)).toEqual(a.map((value, i) => value * (b[i] ?? 0)));
        expect(memory.brokenGuards()).toEqual([]);
      }),
    );
  });
});

describe('addBias', () => {
  it.each([1, 3, 4, 31, 33])('adds the same %i numbers to every row', async (channels) => {
    const memory = new GuardedMemory();
    const { addBias } = await addBiasKernel.instantiate(memory.memory);
    const [x, bias] = [randomFloats(1, 3 * channels, 1), randomFloats(2, channels, 1)];
    const out = memory.room(x.length);
    addBias(out, memory.put(x), memory.put(bias), channels, 3);
    expect(memory.read(out, x.length)).toEqual(x.map((value, i) => value + (bias[i % channels] ?? 0)));
    expect(memory.brokenGuards()).toEqual([]);
  });
});

describe('silu', () => {
  async function silu(x: Float32Array): Promise<Float32Array> {
    const memory = new GuardedMemory();
    const kernel = await siluKernel.instantiate(memory.memory);
    const out = memory.room(x.length);
    kernel.silu(out, memory.put(x), x.length);
    expect(memory.brokenGuards()).toEqual([]);
    return memory.read(out, x.length);
  }

  it('stays within 4 ulp and |x|·2^-149 of x / (1 + e^-x)', async () => {
    // x·t / (1 + t): t errs by 1 ulp, that is 2u, product, sum and quotient by u each, in all 5u <= 2.5 to 5 half ulps;
    // where t is subnormal, below x = -87, it errs by 2^-149, which x multiplies.
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.float({ min: -110, max: 100, noNaN: true }), { minLength: 1, maxLength: 40 }),
        async (list) => {
          const x = Float32Array.from(list);
          for (const [i, y] of (await silu(x)).entries()) {
            const exact = (x[i] ?? 0) / (1 + Math.exp(-(x[i] ?? 0)));
            const isWithin = y === exact || Math.abs(y - exact) <= 4 * ulpAt(exact) + Math.abs(x[i] ?? 0) * 2 ** -149;
            if (!isWithin) expect.fail(`silu(${x[i]}) = ${y}, double says ${exact}`);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('keeps zero, large values and NaN', async () => {
    const x = Float32Array.of(0, -0, 100, 3e38, Infinity, Number.NaN, -200);
    expect([...(await silu(x))]).toEqual([0, -0, 100, Math.fround(3e38), Infinity, Number.NaN, -0]);
  });
});
