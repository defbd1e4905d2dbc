// The derived stage attn_softmax of one head: searched queries and keys, and those of a run of the trained model, with what
// it should be. The product derives it in double and rounds once, so it may be off by that rounding and by what two orders
// of summation in double differ by.
import fc from 'fast-check';
import { gamma, type Arithmetic } from '../../src/diagnosis/reference/arithmetic.ts';
import { UNIT_F64 } from '../../src/diagnosis/ops/constants.ts';
import type { AttentionShape } from '../../src/engine/capture/scores.ts';
import { CPU_ARITHMETIC, type Should } from '../kit/judges/budget-ratio.ts';
import type { KernelClaim, StageCase } from '../kit/claims/kernel-claim.ts';
import { makeValues, SMALL_SPECIALS, valuesRecipe, type ValuesRecipe } from '../kit/arbitraries/kernel-values.ts';
import type { StageRun } from '../kit/models/trained-stages.ts';

export interface HeadInput {
  shape: AttentionShape;
  head: number;
  /** [queries, headCount · headDim], the last positions; k: [positions, kvHeadCount · headDim] */
  q: Float32Array;
  k: Float32Array;
}

interface Recipe {
  headDim: number;
  kvHeadCount: number;
  group: number;
  head: number;
  queries: number;
  before: number;
  window: number | null;
  q: ValuesRecipe;
  k: ValuesRecipe;
}

type StagePart = Omit<KernelClaim<Recipe, HeadInput>, 'run' | 'faults'>;

export const softmaxStage: StagePart = {
  recipes: fc.record({
    headDim: fc.constantFrom(1, 3, 8, 33, 64, 128),
    kvHeadCount: fc.integer({ min: 1, max: 3 }),
    group: fc.integer({ min: 1, max: 3 }),
    head: fc.nat(8),
    queries: fc.integer({ min: 1, max: 5 }),
    before: fc.constantFrom(0, 1, 7, 70, 300),
    window: fc.option(fc.constantFrom(1, 2, 5, 64)),
    q: valuesRecipe([0, -4, 1], [...SMALL_SPECIALS, Number.NaN]),
    k: valuesRecipe([0, -4, 1], [...SMALL_SPECIALS, Number.NaN]),
  }),
  planned: 250,
  make({ headDim, kvHeadCount, group, head, queries, before, window, q, k }) {
    const headCount = group * kvHeadCount;
    return {
      shape: { headCount, kvHeadCount, headDim, scale: 1 / Math.sqrt(headDim), window },
      head: head % headCount,
      q: makeValues(q, queries * headCount * headDim),
      k: makeValues(k, (before + queries) * kvHeadCount * headDim),
    };
  },
  should,
  ofLayer: headsOf,
  perLayer: 2,
  stages: ['q_post_rope', 'k_post_rope', 'attn_softmax'],
};

function should({ shape, head, q, k }: HeadInput, arithmetic: Arithmetic): Should {
  const { unit, sumUnit, tiny, expUnits, rowDepth, positionDepth } = arithmetic;
  const { headCount, kvHeadCount, headDim, scale, window } = shape;
  const queryCount = q.length / (headCount * headDim);
  const positionCount = k.length / (kvHeadCount * headDim);
  const kvHead = Math.floor((head * kvHeadCount) / headCount);
  const reference = new Float64Array(queryCount * positionCount);
  const proven = new Float64Array(queryCount * positionCount);
  for (let query = 0; query < queryCount; query++) {
    const position = positionCount - queryCount + query;
    const seen = Array.from({ length: positionCount }, (_, j) => j).filter(
      (j) => j <= position && (window === null || j > position - window),
    );
    const products = seen.map((j) =>
      Array.from(
        { length: headDim },
        (_, c) =>
          scale *
          (q[(query * headCount + head) * headDim + c] ?? Number.NaN) *
          (k[(j * kvHeadCount + kvHead) * headDim + c] ?? Number.NaN),
      ),
    );
    const scores = products.map((list) => list.reduce((sum, product) => sum + product, 0));
    const magnitude = Math.max(...products.map((list) => list.reduce((sum, product) => sum + Math.abs(product), 0)));
    const largest = Math.max(...scores);
    const total = scores.reduce((sum, score) => sum + Math.exp(score - largest), 0);
    // The product's stage is computed in double throughout, with one rounding to float32 at the end.
    const [own, depth] = arithmetic === CPU_ARITHMETIC ? [UNIT_F64, headDim + 4] : [sumUnit, rowDepth(headDim) + 4];
    const ofScore = 2 * gamma(depth, own) * magnitude + own * (expUnits(2 * magnitude) + 2 * magnitude);
    const relative =
      Math.exp(4 * ofScore) * (2 * ofScore + gamma(positionDepth(seen.length) + seen.length, own)) + 2 * unit;
    for (const [n, j] of seen.entries()) {
      const share = Math.exp((scores[n] ?? Number.NaN) - largest) / total;
      reference[query * positionCount + j] = share;
      proven[query * positionCount + j] = relative * share + 2 * tiny;
    }
  }
  return { reference, proven };
}

/** The first and the last head. */
function headsOf({ model, tokens, stage }: StageRun, layer: number): StageCase<HeadInput>[] {
  const { headCount, kvHeadCount, headDim } = model;
  const area = tokens.length ** 2;
  const shape = { headCount, kvHeadCount, headDim, scale: 1 / Math.sqrt(headDim), window: null };
  return [0, headCount - 1].map((head) => ({
    where: `head ${head}`,
    input: { shape, head, q: stage(layer, 'q_post_rope'), k: stage(layer, 'k_post_rope') },
    recorded: stage(layer, 'attn_softmax').slice(head * area, (head + 1) * area),
  }));
}
