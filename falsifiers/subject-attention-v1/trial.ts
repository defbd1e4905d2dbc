// Attention of an engine on trial: what it was given, in which formats it computes, what it wrote; and how far that is from
// what the judge says it should have written.
import { attentionFormats } from '../../src/diagnosis/reference/attention-formats.ts';
import { attentionReference } from '../../src/diagnosis/reference/attention.ts';
import { arithmeticOf } from '../../src/diagnosis/reference/arithmetic.ts';
import { UNDECLARED } from '../../src/engine/program/numeric-profile.ts';
import type { AttentionOp } from '../../src/engine/program/program.ts';
import { makeValues, type ValuesRecipe } from '../kit/arbitraries/kernel-values.ts';
import { cells, type AttentionRows, type AttentionShape, type PlainFormat } from '../kit/references/plain-attention.ts';

export interface AttentionInput extends AttentionRows {
  shape: AttentionShape;
}

/** A prompt that runs together: keys are not shared out among threads. */
const ONE_PIECE = { rowCount: 2, positionCount: 2 };

/** Those that a judge tries, in its order, of every type that values are stored in. */
export const KNOWN: readonly PlainFormat[] = (['f32', 'f16', 'bf16'] as const).flatMap((storage) =>
  attentionFormats(storage, ONE_PIECE).map((formats) => ({ storage, ...formats })),
);

/** Values as the storage holds them. */
export function inputOf(
  shape: AttentionShape,
  storage: PlainFormat['storage'],
  [q, k, v]: readonly [ValuesRecipe, ValuesRecipe, ValuesRecipe],
): AttentionInput {
  const { headCount, kvHeadCount, headDim, rowCount, positionCount } = shape;
  const rows = (recipe: ValuesRecipe, count: number): Float32Array =>
    cells(storage, makeValues(recipe, count * headDim));
  return {
    shape,
    q: rows(q, rowCount * headCount),
    k: rows(k, positionCount * kvHeadCount),
    v: rows(v, positionCount * kvHeadCount),
  };
}

/** Distances from the results that are right, over the budgets of both tiers. */
export interface Ratios {
  expected: number;
  proven: number;
}

/** The largest; Infinity where one side alone is finite, NaN, which no bar accepts, where there is no budget. */
export function ratiosOf(engine: Float32Array, { shape, q, k, v }: AttentionInput, format: PlainFormat): Ratios {
  const names = { q: 'q', k: 'k', v: 'v', out: 'y' };
  const op: AttentionOp = { op: 'attention', ...names, layer: 0, ...shape };
  const arithmetic = arithmeticOf({ ...UNDECLARED, flushesSubnormals: format.storage === 'f32', ...format });
  const written = [Float64Array.from(q), Float64Array.from(k), Float64Array.from(v)] as const;
  const { reference, slack, expected, proven } = attentionReference(op, { written, arithmetic });
  if (engine.length !== reference.length) return { expected: Number.NaN, proven: Number.NaN };
  const largest = (budgets: Float64Array): number =>
    engine.reduce((worst, theirs, i) => {
      const [ours, budget] = [reference[i] ?? 0, budgets[i] ?? Number.NaN];
      if (!(Number.isFinite(theirs) && Number.isFinite(ours))) {
        return Number.isFinite(theirs) === Number.isFinite(ours) ? worst : Infinity;
      }
      const beyond = Math.max(0, Math.abs(theirs - ours) - (slack?.[i] ?? 0));
      return Math.max(worst, budget < Infinity ? beyond / budget : Number.NaN);
    }, 0);
  return { expected: largest(expected), proven: largest(proven) };
}
