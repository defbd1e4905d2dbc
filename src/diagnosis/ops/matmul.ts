// Judging `matmul`, and what every op of products may be off by: sums of products, weights that are rounded on their
// way to float32, and, for 8-bit activations, ties of the quantiser that may fall either way (one step each).
import { sourceVariant } from '../faults/fault.ts';
import { gamma } from '../reference/arithmetic.ts';
import type { BudgetInputs, JudgementOf, OpReference } from './judgement.ts';
import { classOfProjection } from './projection.ts';

const PRODUCT = 'src/engine/cpu/kernels/lib/matmul.as.ts';
const TOKEN_PRODUCT = 'src/engine/cpu/kernels/lib/matmul-token.as.ts';

export const matmulJudgement: JudgementOf<'matmul'> = {
  budget: (_, given) => productBudget(given),
  bugClass: classOfProjection,
  expectedGroupRms: 0.14,
  faults: [
    {
      id: 'P1',
      title: 'sums of a matrix product are kept in too few bits',
      bugClass: 'PRECISION_LOSS',
      firstStage: 'qkv_matmul',
      needs: 'any input',
      gross: sourceVariant(
        'every sum has the 11 bits of a float16',
        PRODUCT,
        'store<f32>(out + <usize>r * rowStride, total)',
        'store<f32>(out + <usize>r * rowStride, reinterpret<f32>((reinterpret<u32>(total) + 0x1000) & 0xffffe000))',
      ),
      small: sourceVariant(
        'the last 7 of 24 bits of every sum are cleared',
        PRODUCT,
        'store<f32>(out + <usize>r * rowStride, total)',
        'store<f32>(out + <usize>r * rowStride, reinterpret<f32>(reinterpret<u32>(total) & 0xffffff80))',
      ),
    },
    {
      id: 'W11',
      title: 'columns of a later chunk meet the activations of an earlier one',
      bugClass: 'DEQUANT_FAILURE',
      firstStage: 'qkv_matmul',
      needs: 'rows of more than 256 columns; for the small one of more than 512',
      gross: sourceVariant(
        'every chunk is multiplied with the first 256 activations',
        PRODUCT,
        'x + (<usize>column << 2), xStride',
        'x, xStride',
      ),
      small: sourceVariant(
        'the chunks from the third on are multiplied with the activations of the second',
        PRODUCT,
        'x + (<usize>column << 2), xStride',
        'x + (<usize>min(column, CHUNK) << 2), xStride',
      ),
    },
    {
      id: 'C6',
      title: 'two kernels of one op disagree: the one for a single token and the one for many',
      bugClass: 'PATH_DIVERGENCE',
      firstStage: 'qkv_matmul',
      needs:
        'a run of one token, weights in q4_1 or q8_0; for the small one a number of rows that is not a multiple of 4',
      gross: sourceVariant(
        'of one token, the rows of the last quarter are those of the third',
        TOKEN_PRODUCT,
        'store<f32>(out + 3 * outApart, sumLanes(total3))',
        'store<f32>(out + 3 * outApart, sumLanes(total2))',
      ),
      small: sourceVariant(
        'of one token, the last of the rows beside the fours is not computed',
        TOKEN_PRODUCT,
        'row = quarter << 2; row < rowCount;',
        'row = quarter << 2; row < rowCount - 1;',
      ),
    },
    {
      id: 'C7',
      title: 'rows after the first of a batch are computed from the first',
      bugClass: 'PATH_DIVERGENCE',
      firstStage: 'qkv_matmul',
      needs: 'two tokens in one run',
      gross: sourceVariant(
        'the second token of each pair is the first again',
        PRODUCT,
        'let y = x + xStride;',
        'let y = x;',
      ),
      small: sourceVariant(
        'the same in the last four rows of each tile only',
        PRODUCT,
        'tile4x2(w + 4 * ROW_STRIDE, x, xStride, lanes + 64, byteLength);',
        'tile4x2(w + 4 * ROW_STRIDE, x, 0, lanes + 64, byteLength);',
      ),
    },
    {
      id: 'G6',
      title: 'an incomplete tile is filled from another row',
      bugClass: 'LAYOUT_TRANSPOSED',
      firstStage: 'qkv_matmul',
      needs: 'a number of rows that is not a multiple of 8',
      gross: sourceVariant(
        'all rows of an incomplete tile are its first',
        PRODUCT,
        'tile1x1(w + <usize>r * ROW_STRIDE, x,',
        'tile1x1(w, x,',
      ),
      small: sourceVariant(
        'the last row of an incomplete tile is the one before it',
        PRODUCT,
        'tile1x1(w + <usize>r * ROW_STRIDE, x,',
        'tile1x1(w + <usize>(r > 0 && r + 1 == rows ? r - 1 : r) * ROW_STRIDE, x,',
      ),
    },
    {
      id: 'G1',
      title: 'columns after the last multiple of four are lost',
      bugClass: 'LAYOUT_TRANSPOSED',
      firstStage: 'qkv_matmul',
      needs: 'rows whose length is not a multiple of 4: float types only',
      gross: sourceVariant(
        'one or two such columns are not added',
        PRODUCT,
        'if (tailCount > 0) total',
        'if (tailCount > 2) total',
      ),
      small: sourceVariant(
        'the third of three such columns is not added',
        PRODUCT,
        'tailOffset, tailX, tailCount)',
        'tailOffset, tailX, min(tailCount, 2))',
      ),
    },
  ],
};

export function productBudget({
  inputs: [x = new Float64Array(0)],
  reference,
  sums,
  isWeightRounded,
  arithmetic,
}: Pick<BudgetInputs, 'inputs' | 'reference' | 'sums' | 'isWeightRounded' | 'arithmetic'>): OpReference {
  if (sums === null || sums === undefined) throw new RangeError('the budget of a product is made of its sums');
  const { length, magnitude, stepMagnitude } = sums;
  const { unit, sumUnit, tiny, flushesBelow, rowDepth, expectedSum } = arithmetic;
  const depth = rowDepth(length) + (isWeightRounded ? 1 : 0);
  // Each product may underflow; a subnormal weight may be taken for 0.
  const lost = magnitudesOfRows(x, length).map((ofRow) => tiny * length + flushesBelow * ofRow);
  const outsPerRow = reference.length / lost.length;
  const tier = (relative: number, store: number): Float64Array =>
    magnitude.map(
      (m, i) => relative * m + store * Math.abs(reference[i] ?? 0) + (lost[Math.floor(i / outsPerRow)] ?? Number.NaN),
    );
  // Where the accumulator is what is stored, nothing is rounded on the way out.
  const store = unit === sumUnit ? 0 : unit;
  return {
    reference,
    expected: tier(gamma(Math.min(expectedSum(length), depth), sumUnit), store),
    proven: tier(gamma(depth, sumUnit), store),
    magnitude,
    slack: stepMagnitude,
  };
}

/** Σ|x| of every row. */
function magnitudesOfRows(x: Float64Array, length: number): Float64Array {
  const out = new Float64Array(x.length / length);
  for (let i = 0; i < x.length; i += 1) {
    const row = Math.floor(i / length);
    out[row] = (out[row] ?? 0) + Math.abs(x[i] ?? 0);
  }
  return out;
}
