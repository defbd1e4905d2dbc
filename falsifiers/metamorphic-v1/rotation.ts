// Turning queries and keys by the same number of positions must leave their scores alone: the rotation kernel and its table,
// in units of what the rotations may be off by. Which rotation is right: rope-kernel-v1.
import fc from 'fast-check';
import { ropeJudgement } from '../../src/diagnosis/ops/rope.ts';
import { fillRopeTable } from '../../src/engine/program/rope-table.ts';
import { ropeKernel } from '../../src/engine/cpu/kernels/rope.ts';
import type { RopeParameters } from '../../src/engine/program/program.ts';
import { ropeFrequencies } from '../../src/engine/program/rope-frequencies.ts';
import { ropeFrequencies as exactFrequencies } from '../../src/oracles/float64/ops/rope-frequencies.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { makeValues, valuesRecipe } from '../kit/arbitraries/kernel-values.ts';
import { known } from '../kit/claims/known-faults.ts';
import { plants } from '../kit/claims/plants.ts';
import { CPU_ARITHMETIC } from '../kit/judges/budget-ratio.ts';
import { betweenGuards } from '../kit/judges/guarded-memory.ts';
import { columns, LAYERS, LIVE_RUNS, trainedRuns } from '../kit/models/trained-stages.ts';

interface Turned {
  q: Float32Array;
  k: Float32Array;
  rope: RopeParameters;
  /** Of the query; the key's is `distance` less. */
  position: number;
  distance: number;
  shift: number;
}

async function rotated(x: Float32Array, rope: RopeParameters, position: number): Promise<Float32Array> {
  const table = new Float32Array(rope.rotaryDim);
  fillRopeTable(table, ropeFrequencies(rope, null, position + 1), position, 1);
  const isNeox = rope.pairing === 'neox';
  const { values } = await betweenGuards(ropeKernel, x.length, (kernel, out, memory) => {
    kernel.rope(out, memory.put(x), memory.put(table), 1, 1, x.length, rope.rotaryDim, isNeox);
  });
  return values;
}

/** |q_p · k_j − q_(p+s) · k_(j+s)| in units of what the four rotations may be off by. */
async function shiftRatio({ q, k, rope, position, distance, shift }: Turned): Promise<number> {
  let [difference, budget] = [0, 0];
  for (const [sign, by] of [[1, 0] as const, [-1, shift] as const]) {
    const [a, b] = [await rotated(q, rope, position + by), await rotated(k, rope, position - distance + by)];
    const [ofA, ofB] = [budgetOf(q, rope, position + by), budgetOf(k, rope, position - distance + by)];
    for (const [i, value] of a.entries()) {
      const other = b[i] ?? Number.NaN;
      difference += sign * value * other;
      const [u, v] = [ofA[i] ?? Number.NaN, ofB[i] ?? Number.NaN];
      // The product in double adds what its own sum rounds.
      budget += u * Math.abs(other) + v * Math.abs(value) + u * v + q.length * 2 ** -53 * Math.abs(value * other);
    }
  }
  return budget < Infinity ? Math.abs(difference) / budget : Number.NaN;
}

function budgetOf(x: Float32Array, rope: RopeParameters, position: number): Float64Array {
  const op = { op: 'rope', in: 'x', out: 'y', headCount: 1, headDim: x.length, rope } as const;
  const frequencies = exactFrequencies(rope, null);
  return ropeJudgement.budget(op, {
    arithmetic: CPU_ARITHMETIC,
    inputs: [Float64Array.from(x)],
    reference: new Float64Array(x.length),
    rowCount: 1,
    firstPosition: position,
    frequencies,
    isWeightRounded: false,
  }).proven;
}

const turns = fc.record({
  headDim: fc.constantFrom(2, 4, 16, 64, 66, 128),
  pairing: fc.constantFrom('neox' as const, 'norm' as const),
  theta: fc.constantFrom(10_000, 1_000_000),
  distance: fc.nat(300),
  before: fc.nat(3_000),
  shift: fc.constantFrom(1, 2, 63, 1_000, 30_000),
  q: valuesRecipe([0, -3, 2], [0, 1]),
  k: valuesRecipe([0, -3, 2], [0, 1]),
});

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-META-001': {
    parts: {
      generated: {
        planned: 300,
        run: (context) =>
          context.search(turns, context.planned, ({ headDim, pairing, theta, distance, before, shift, q, k }) =>
            shiftRatio({
              q: makeValues(q, headDim),
              k: makeValues(k, headDim),
              rope: { theta, rotaryDim: headDim, pairing, scaling: { type: 'none' } },
              position: before + distance,
              distance,
              shift,
            }),
          ),
      },
      live: {
        needs: ['model:sums-2m'],
        planned: LIVE_RUNS * LAYERS,
        async run(context) {
          for (const { where, model, tokens, stage } of await trainedRuns(context)) {
            const { headCount, kvHeadCount, headDim, ropeTheta } = model;
            const rope: RopeParameters = {
              theta: ropeTheta,
              rotaryDim: headDim,
              pairing: 'neox',
              scaling: { type: 'none' },
            };
            const width = (headCount + 2 * kvHeadCount) * headDim;
            for (let layer = 0; layer < LAYERS; layer++) {
              const projected = stage(layer, 'qkv_bias');
              const last = projected.slice((tokens.length - 1) * width);
              const [q, k] = [
                columns(last, width, 0, headDim),
                columns(projected, width, headCount * headDim, headDim),
              ];
              const turned = { q, k: k.slice(0, headDim), rope, position: tokens.length - 1 };
              const ratio = await shiftRatio({ ...turned, distance: tokens.length - 1, shift: 441 });
              context.measure(ratio, `${where}, layer ${layer}, head 0`);
            }
          }
        },
      },
    },
    faults: [
      ...plants`
        src/engine/program/rope-table.ts
        gross angles-stretch: later positions turn further
        - const angle = (firstPosition + row) * frequency;
        + const angle = (firstPosition + row) * frequency * (1 + (firstPosition + row) * 1e-4);
      `,
      ...known(ropeJudgement.faults, 'R6'),
      ...plants`
        src/engine/program/rope-table.ts
        small angle-in-float32: the angle is rounded to float32
        - const angle = (firstPosition + row) * frequency;
        + const angle = Math.fround((firstPosition + row) * frequency);
      `,
    ],
  },
};
