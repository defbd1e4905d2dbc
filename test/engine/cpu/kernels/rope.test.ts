// rope with the table that the executor gives it, against the rotation in double.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillRopeTable, ropeFrequencies } from '../../../../src/engine/cpu/rope-table.ts';
import { ropeKernel } from '../../../../src/engine/cpu/kernels/rope.ts';
import type { RopePairing } from '../../../../src/engine/program/program.ts';
import { GuardedMemory } from '../../../cases/guarded-memory.ts';
import { randomFloats } from '../../../cases/random-blocks.ts';

const UNIT_ROUNDOFF = 2 ** -24;

interface Case {
  pairing: RopePairing;
  rotaryDim: number;
  restDim: number;
  headCount: number;
  rows: number;
  position: number;
  seed: number;
}

const cases: fc.Arbitrary<Case> = fc.record({
  pairing: fc.constantFrom<RopePairing>('norm', 'neox'),
  rotaryDim: fc.constantFrom(2, 4, 6, 8, 10, 30, 64),
  restDim: fc.constantFrom(0, 1, 2, 32),
  headCount: fc.integer({ min: 1, max: 3 }),
  rows: fc.integer({ min: 1, max: 4 }),
  position: fc.constantFrom(0, 1, 100, 131_071),
  seed: fc.nat(),
});

describe('rope', () => {
  it('rotates each pair within 4u·(|x0| + |x1|) of double, and copies the rest', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ pairing, rotaryDim, restDim, headCount, rows, position, seed }) => {
        const headDim = rotaryDim + restDim;
        const x = randomFloats(seed, rows * headCount * headDim, 1);
        const parameters = { theta: 10_000, rotaryDim, pairing, scaling: { type: 'none' } } as const;
        const frequencies = ropeFrequencies(parameters, null, position + rows);
        const table = new Float32Array(rows * rotaryDim);
        fillRopeTable(table, frequencies, position, 1);

        const memory = new GuardedMemory();
        const { rope } = await ropeKernel.instantiate(memory.memory);
        const out = memory.room(x.length);
        rope(out, memory.put(x), memory.put(table), rows, headCount, headDim, rotaryDim, pairing === 'neox');
        const result = memory.read(out, x.length);
        expect(memory.brokenGuards()).toEqual([]);

        for (let head = 0; head < rows * headCount; head++) {
          const at = head * headDim;
          const row = Math.floor(head / headCount);
          for (let i = 0; i < rotaryDim / 2; i++) {
            const angle = (position + row) * 10_000 ** ((-2 * i) / rotaryDim);
            const [first, second] = pairing === 'norm' ? [2 * i, 2 * i + 1] : [i, i + rotaryDim / 2];
            const [a, b] = [x[at + first] ?? 0, x[at + second] ?? 0];
            const bound = 4 * UNIT_ROUNDOFF * (Math.abs(a) + Math.abs(b));
            const errors = [
              (result[at + first] ?? Number.NaN) - (a * Math.cos(angle) - b * Math.sin(angle)),
              (result[at + second] ?? Number.NaN) - (a * Math.sin(angle) + b * Math.cos(angle)),
            ];
            if (!errors.every((error) => Math.abs(error) <= bound))
              expect.fail(`head ${head}, pair ${i}: ${errors.join(', ')}`);
          }
          const rest = [at + rotaryDim, at + headDim] as const;
          expect(result.subarray(...rest)).toEqual(x.subarray(...rest));
        }
      }),
      { numRuns: 200 },
    );
  });
});
