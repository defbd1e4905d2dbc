// Tries to find a head that the attention kernel mixes otherwise than the formula does, beyond what float32 explains: odd
// head sizes, grouped heads, windows, several blocks of positions, rows in the middle of a sequence, NaN where nobody may
// look; the heads of the trained model; and those that Transformers recorded. The softmax in it: softmax-kernel-v1.
import fc from 'fast-check';
import type { Arithmetic } from '../src/diagnosis/reference/arithmetic.ts';
import { attentionJudgement } from '../src/diagnosis/ops/attention.ts';
import { attentionKernel } from '../src/engine/cpu/kernels/attention.ts';
import type { AttentionOp } from '../src/engine/program/program.ts';
import { attention } from '../src/oracles/float64/ops/attention.ts';
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import type { Should } from './kit/judges/budget-ratio.ts';
import { betweenGuards, type KernelRun } from './kit/judges/guarded-memory.ts';
import { kernelClaim, type StageCase } from './kit/claims/kernel-claim.ts';
import { makeValues, SMALL_SPECIALS, valuesRecipe } from './kit/arbitraries/kernel-values.ts';
import { known } from './kit/claims/known-faults.ts';
import { plants } from './kit/claims/plants.ts';
import type { StageRun } from './kit/models/trained-stages.ts';

interface Input {
  headCount: number;
  kvHeadCount: number;
  headDim: number;
  window: number | null;
  /** Of the first row; the cache holds what is before it. */
  firstPosition: number;
  rowCount: number;
  /** Positions that the cache has room for. */
  capacity: number;
  /** [rowCount, headCount · headDim] */
  q: Float32Array;
  /** [firstPosition + rowCount, kvHeadCount · headDim] */
  k: Float32Array;
  v: Float32Array;
}

const recipes = fc.record({
  headDim: fc.constantFrom(1, 2, 4, 8, 31, 32, 33, 64, 66, 127, 128, 260),
  kvHeadCount: fc.integer({ min: 1, max: 2 }),
  group: fc.integer({ min: 1, max: 3 }),
  firstPosition: fc.oneof(fc.nat(5), fc.constantFrom(61, 63, 64, 130)),
  rowCount: fc.integer({ min: 1, max: 3 }),
  spareCapacity: fc.nat(3),
  window: fc.option(fc.constantFrom(1, 2, 3, 5, 64, 65)),
  q: valuesRecipe([0, -4, 1, -40], SMALL_SPECIALS),
  k: valuesRecipe([0, -4, 1, -40], [...SMALL_SPECIALS, Number.NaN]),
  v: valuesRecipe([0, -4, 3, -40], [...SMALL_SPECIALS, Number.NaN]),
});

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-ATTN-001': kernelClaim({
    recipes,
    planned: 150,
    make({ headDim, kvHeadCount, group, firstPosition, rowCount, spareCapacity, window, q, k, v }): Input {
      const positions = firstPosition + rowCount;
      const width = kvHeadCount * headDim;
      return {
        headCount: group * kvHeadCount,
        kvHeadCount,
        headDim,
        window,
        firstPosition,
        rowCount,
        capacity: positions + spareCapacity,
        q: makeValues(q, rowCount * group * width),
        k: makeValues(k, positions * width),
        v: makeValues(v, positions * width),
      };
    },
    run: attend,
    should,
    ofLayer: headsOf,
    perLayer: 1,
    stages: ['q_post_rope', 'k_post_rope', 'v', 'attention'],
    faults: [
      ...known(attentionJudgement.faults, 'A4 A4-small A5 A5-small'),
      ...plants`
        src/engine/cpu/kernels/attention.as.ts
        small window-one-more: a window sees one position more
        - position >= window ? position - window + 1 : 0
        + position > window ? position - window : 0
        small scale-forgotten-in-tail: the keys after the last multiple of 4 are not scaled
        - dot(keys, q, headDim) * scale
        + dot(keys, q, headDim)
        small block-boundary: odd channels see 63 positions of each block
        - block += load<f32>(e) * load<f32>(v);
        + if (j % 64 != 63) block += load<f32>(e) * load<f32>(v);
      `,
      ...known(attentionJudgement.faults, 'A4-small-in-live A4-small-in-oracle'),
    ],
  }),
};

/** Appended in two pieces where there is something before the rows, as a decode step finds it. */
function attend(input: Input): Promise<KernelRun> {
  const { headCount, kvHeadCount, headDim, window, firstPosition, rowCount, capacity, q, k, v } = input;
  const width = kvHeadCount * headDim;
  return betweenGuards(attentionKernel, q.length, (kernel, out, memory) => {
    const [keys, values] = [memory.room(capacity * width), memory.room(capacity * width)];
    for (const [cache, rows] of [[keys, k] as const, [values, v] as const]) {
      for (const [first, end] of [[0, firstPosition] as const, [firstPosition, firstPosition + rowCount] as const]) {
        const piece = memory.put(rows.subarray(first * width, end * width));
        kernel.append(cache, piece, first, end - first, capacity, kvHeadCount, headDim);
      }
    }
    const [queries, scores] = [memory.put(q), memory.room(capacity + 4)];
    const scale = 1 / Math.sqrt(headDim);
    kernel.attention(
      out,
      queries,
      keys,
      values,
      scores,
      firstPosition,
      rowCount,
      capacity,
      headCount,
      kvHeadCount,
      headDim,
      scale,
      window ?? 0,
      0,
    );
  });
}

function should(input: Input, arithmetic: Arithmetic): Should {
  const { headCount, kvHeadCount, headDim, window } = input;
  const scale = 1 / Math.sqrt(headDim);
  const names = { q: 'q', k: 'k', v: 'v', out: 'y' };
  const op: AttentionOp = { op: 'attention', ...names, layer: 0, headCount, kvHeadCount, headDim, scale, window };
  const [q, k, v] = [Float64Array.from(input.q), Float64Array.from(input.k), Float64Array.from(input.v)];
  const reference = attention(op, q, k, v);
  const given = { arithmetic, inputs: [q], reference, rowCount: input.rowCount, firstPosition: input.firstPosition };
  return attentionJudgement.budget(op, { ...given, isWeightRounded: false, cache: { keys: k, values: v } });
}

function headsOf({ model, tokens, stage }: StageRun, layer: number): StageCase<Input>[] {
  const { headCount, kvHeadCount, headDim } = model;
  const input = {
    headCount,
    kvHeadCount,
    headDim,
    window: null,
    firstPosition: 0,
    rowCount: tokens.length,
    capacity: tokens.length,
    q: stage(layer, 'q_post_rope'),
    k: stage(layer, 'k_post_rope'),
    v: stage(layer, 'v'),
  };
  return [{ where: 'attention', input, recorded: stage(layer, 'attention') }];
}
