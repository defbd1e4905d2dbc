// An engine that takes any subnormal for 0 (input, weight or result) and is exact otherwise is healthy where its profile says
// that it flushes: WGSL allows it. Every op stays within its proven budget, whatever subnormals meet.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arithmeticOf } from '../../../src/diagnosis/reference/arithmetic.ts';
import { Lane } from '../../../src/diagnosis/reference/lane.ts';
import { opReference } from '../../../src/diagnosis/reference/op-reference.ts';
import type { Op } from '../../../src/engine/program/program.ts';
import { WEBGPU_PROFILE } from '../../../src/gpu/webgpu-profile.ts';
import { memoryWeights, type MemoryWeight } from '../../oracles/float64/memory-weights.ts';

const SEED = 20_261_128;
const SMALLEST_NORMAL = 2 ** -126;
const ROWS = 2;
const arithmetic = arithmeticOf(WEBGPU_PROFILE);
const rope = { theta: 100, rotaryDim: 4, pairing: 'neox', scaling: { type: 'none' } } as const;

/** Ops over x and z, [ROWS, width], and the weights that they read. */
const CASES: Readonly<Record<string, { op: Op; width: number; out?: number; shape?: number[] }>> = {
  embed: { op: { op: 'embed', weight: 'w', out: 'y' }, width: 6, shape: [ROWS, 6] },
  add: { op: { op: 'add', a: 'x', b: 'z', out: 'y' }, width: 6 },
  mul: { op: { op: 'mul', a: 'x', b: 'z', out: 'y' }, width: 6 },
  scale: { op: { op: 'scale', in: 'x', factor: 48, out: 'y' }, width: 6 },
  silu: { op: { op: 'silu', in: 'x', out: 'y' }, width: 6 },
  gelu: { op: { op: 'gelu', in: 'x', out: 'y' }, width: 6 },
  softcap: { op: { op: 'softcap', in: 'x', cap: 30, out: 'y' }, width: 6 },
  addBias: { op: { op: 'addBias', in: 'x', weight: 'w', out: 'y' }, width: 6, shape: [6] },
  rope: { op: { op: 'rope', in: 'x', out: 'y', headCount: 1, headDim: 6, rope }, width: 6 },
  rmsnorm: { op: { op: 'rmsnorm', in: 'x', weight: 'w', eps: 1e-12, out: 'y' }, width: 6, shape: [6] },
  matmul: { op: { op: 'matmul', in: 'x', weight: 'w', out: 'y' }, width: 6, out: 3, shape: [3, 6] },
  expertMatmul: {
    op: { op: 'expertMatmul', in: 'x', experts: 'z', weight: 'w', expertCount: 2, out: 'y' },
    width: 6,
    out: 3,
    shape: [2, 3, 6],
  },
  moeSum: { op: { op: 'moeSum', in: 'x', shares: 'z', out: 'y' }, width: 6, out: 3 },
};

/** Subnormals, their neighbours, and what makes much of them. */
const numbers = fc
  .tuple(
    fc.constantFrom(-149, -140, -128, -127, -126, -125, -30, 0, 8, 20),
    fc.double({ min: 1, max: 2, noNaN: true }),
    fc.boolean(),
  )
  .map(([exponent, significand, isNegative]) => Math.fround(significand * 2 ** exponent) * (isNegative ? -1 : 1));

function flushed(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values, (value) => (Math.abs(value) < SMALLEST_NORMAL ? 0 : value));
}

describe.each(Object.entries(CASES))('an engine that flushes subnormals: %s', (name, { op, width, out, shape }) => {
  it('is within the proven budget', async () => {
    const weightCount = shape?.reduce((count, size) => count * size, 1) ?? 0;
    const draw = (length: number) => fc.array(numbers, { minLength: length, maxLength: length });
    const second = name === 'expertMatmul' ? fc.constant([1, 0]) : draw(name === 'moeSum' ? ROWS * 2 : ROWS * width);
    await fc.assert(
      fc.asyncProperty(draw(ROWS * width), second, draw(weightCount), async (x, z, w) => {
        const chunk = { tokens: [0, 1], firstPosition: 3, isLast: true, contextLength: 8 };
        const lane = (through: (values: ArrayLike<number>) => Float64Array): Lane => {
          const weight: MemoryWeight = { shape: shape ?? [0], data: [...through(w)] };
          const it = new Lane(memoryWeights({ w: weight }), null);
          it.set('x', through(x));
          it.set('z', through(z));
          return it;
        };
        const widths = new Map([
          ['x', width],
          ['z', z.length / ROWS],
          ['y', out ?? width],
        ]);
        const engine = lane(flushed);
        // A product is evaluated in step with the judge, as a free run.
        const should = await opReference(op, chunk, {
          arithmetic,
          widths,
          captured: lane((values) => Float64Array.from(values)),
          free: [engine],
        });
        const got = flushed(engine.get('y') ?? []);
        expect([got.length, should.reference.length]).toEqual([ROWS * (out ?? width), ROWS * (out ?? width)]);
        for (const [i, value] of got.entries()) {
          const off = Math.abs(value - (should.reference[i] ?? Number.NaN));
          const most = (should.proven[i] ?? Number.NaN) + (should.slack?.[i] ?? 0);
          if (!(off <= most)) expect.fail(`${name}[${i}] is off by ${off}, allowed ${most}`);
        }
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});
