// Relations between runs that hold for any right engine and need no reference: turning queries and keys by the same number
// of positions, scaling a row before its norm, renaming tokens, reordering heads or experts, a longer cache, every
// length up to the context limit. Bits, but for the turned scores, which have a budget. Causality, prefill against decode, chunks and
// repetition are forward-path-identity-v1.
import fc from 'fast-check';
import { plantFrom } from '../src/diagnosis/faults/fault.ts';
import { attentionJudgement } from '../src/diagnosis/ops/attention.ts';
import { expertMatmulJudgement } from '../src/diagnosis/ops/expert-matmul.ts';
import { matmulJudgement } from '../src/diagnosis/ops/matmul.ts';
import { moeSelectJudgement } from '../src/diagnosis/ops/moe-select.ts';
import { rmsnormJudgement } from '../src/diagnosis/ops/rmsnorm.ts';
import { ropeJudgement } from '../src/diagnosis/ops/rope.ts';
import { fillRopeTable } from '../src/engine/cpu/rope-table.ts';
import { ropeFrequencies } from '../src/engine/program/rope-frequencies.ts';
import { rmsnormKernel } from '../src/engine/cpu/kernels/rmsnorm.ts';
import { ropeKernel } from '../src/engine/cpu/kernels/rope.ts';
import type { RopeParameters } from '../src/engine/program/program.ts';
import { ropeFrequencies as exactFrequencies } from '../src/oracles/float64/ops/rope-frequencies.ts';
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import { CPU_ARITHMETIC } from './kit/judges/budget-ratio.ts';
import { countDifferentWords } from './kit/claims/engine-runs.ts';
import { betweenGuards } from './kit/judges/guarded-memory.ts';
import { makeValues, TAIL_LENGTHS, valuesRecipe } from './kit/arbitraries/kernel-values.ts';
import {
  expertDifferences,
  headDifferences,
  onExperts,
  onModels,
  renamingDifferences,
  roomDifferences,
  sweepDifferences,
} from './metamorphic-v1/relations.ts';
import { sourceFault } from './kit/claims/plants.ts';
import { columns, LAYERS, LIVE_RUNS, trainedRuns } from './kit/models/trained-stages.ts';

const ROPE_TABLE = 'src/engine/cpu/rope-table.ts';
const BINDING = 'src/engine/cpu/bind-op.ts';
const ATTENTION = 'src/engine/cpu/kernels/attention.as.ts';
const ANGLE = 'const angle = (firstPosition + row) * frequency;';
const SEEN = 'const seen = position - first + 1;';
const EMBEDDED_ROW = 'weights + token * blockCount * blockBytes';
const APPEND_KEYS = 'append(keys, k + kvAt, position, count,';

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

async function normed(x: Float32Array, gain: Float32Array, eps: number): Promise<Float32Array> {
  const { values } = await betweenGuards(rmsnormKernel, x.length, (kernel, out, memory) => {
    kernel.rmsnorm(out, memory.put(x), memory.put(gain), eps, gain.length, x.length / gain.length);
  });
  return values;
}

/** norm(c·x, c²·eps) = norm(x, eps) for c a power of two: nothing rounds otherwise. */
async function scaleDifferences(x: Float32Array, gain: Float32Array, power: number): Promise<number> {
  const scaled = x.map((value) => value * 2 ** power);
  return countDifferentWords(await normed(x, gain, 2 ** -20), await normed(scaled, gain, 2 ** (2 * power - 20)));
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
      sourceFault(ROPE_TABLE, 'angles-stretch', 'later positions turn further', 'gross', [
        ANGLE,
        'const angle = (firstPosition + row) * frequency * (1 + (firstPosition + row) * 1e-4);',
      ]),
      plantFrom(ropeJudgement.faults, 'R6', 'gross'),
      sourceFault(ROPE_TABLE, 'angle-in-float32', 'the angle is rounded to float32', 'small', [
        ANGLE,
        'const angle = Math.fround((firstPosition + row) * frequency);',
      ]),
    ],
  },
  'FALSIFY-META-002': {
    parts: {
      generated: {
        planned: 300,
        run: (context) =>
          context.search(
            fc.record({
              channels: fc.constantFrom(...TAIL_LENGTHS),
              x: valuesRecipe([0, -2, 2], [0, -0, 1]),
              gain: valuesRecipe([0], [0, 1]),
              power: fc.integer({ min: -20, max: 20 }),
            }),
            context.planned,
            ({ channels, x, gain, power }) =>
              scaleDifferences(makeValues(x, 2 * channels), makeValues(gain, channels), power),
          ),
      },
      live: {
        needs: ['model:sums-2m'],
        planned: LIVE_RUNS * LAYERS,
        async run(context) {
          for (const { where, model, layerInput } of await trainedRuns(context)) {
            for (let layer = 0; layer < LAYERS; layer++) {
              const gain = Float32Array.from(model.weight(`blk.${layer}.attn_norm.weight`) ?? []);
              context.measure(await scaleDifferences(layerInput(layer), gain, 9), `${where}, layer ${layer}`);
            }
          }
        },
      },
    },
    faults: [
      plantFrom(rmsnormJudgement.faults, 'N2', 'gross'),
      sourceFault(
        'src/engine/cpu/kernels/rmsnorm.as.ts',
        'eps-of-its-own',
        'a millionth of a millionth is added to the mean',
        'small',
        ['/ <f32>channelCount + eps)', '/ <f32>channelCount + eps + <f32>1e-12)'],
      ),
    ],
  },
  'FALSIFY-META-003': {
    parts: onModels(renamingDifferences, 40),
    faults: [
      sourceFault(BINDING, 'rows-clipped', 'rows after the 200th are read as that', 'gross', [
        EMBEDDED_ROW,
        'weights + Math.min(token, 200) * blockCount * blockBytes',
      ]),
      sourceFault(BINDING, 'one-row-off', 'token 7 reads the row of token 6', 'small', [
        EMBEDDED_ROW,
        'weights + (token === 7 ? 6 : token) * blockCount * blockBytes',
      ]),
      plantFrom(matmulJudgement.faults, 'C7', 'small'),
    ],
  },
  'FALSIFY-META-004': {
    parts: onModels(headDifferences, 40),
    faults: [plantFrom(attentionJudgement.faults, 'A4', 'gross'), plantFrom(attentionJudgement.faults, 'A4', 'small')],
  },
  'FALSIFY-META-005': {
    parts: onModels(roomDifferences, 40),
    faults: [
      sourceFault(ATTENTION, 'unwritten-key-read', 'a key that is not written yet is seen', 'gross', [
        SEEN,
        'const seen = position - first + (position + 1 < capacity ? 2 : 1);',
      ]),
      sourceFault(ATTENTION, 'unwritten-key-read-once', 'the same at position 0 only', 'small', [
        SEEN,
        'const seen = position - first + (position == 0 && capacity > rowCount + 1 ? 2 : 1);',
      ]),
    ],
  },
  'FALSIFY-META-006': {
    parts: onModels(sweepDifferences, 12),
    faults: [
      sourceFault(BINDING, 'late-keys-early', 'after position 40 a decoded key lands one position early', 'gross', [
        APPEND_KEYS,
        'append(keys, k + kvAt, count === 1 && position > 40 ? position - 1 : position, count,',
      ]),
      sourceFault(BINDING, 'last-position', 'the key of position 63 lands on position 62 when decoded', 'small', [
        APPEND_KEYS,
        'append(keys, k + kvAt, count === 1 && position === 63 ? 62 : position, count,',
      ]),
    ],
  },
  'FALSIFY-META-007': {
    parts: onExperts(expertDifferences, 40),
    faults: [
      plantFrom(expertMatmulJudgement.faults, 'M5-slice', 'gross'),
      plantFrom(expertMatmulJudgement.faults, 'M5-slice', 'small'),
      plantFrom(moeSelectJudgement.faults, 'M6', 'gross'),
    ],
  },
};
