// Judging `rmsnorm`: x · r · g with r = 1/√(mean + eps). Half the relative error of the mean (its sum is of squares,
// so nothing cancels), eps and its addition, root and reciprocal, two products. What x · r loses where it underflows
// is multiplied by g.
import { sourceVariant } from '../faults/fault.ts';
import { gamma } from '../reference/arithmetic.ts';
import { deviationOf, type JudgementOf } from './judgement.ts';

const KERNEL = 'src/engine/cpu/kernels/rmsnorm.as.ts';

export const rmsnormJudgement: JudgementOf<'rmsnorm'> = {
  budget({ headCount = 1, gainOffset = 0 }, { reference, rowCount, arithmetic, gain }) {
    const { unit, sumUnit, tiny, flushesBelow, rowDepth, expectedSum, inverseRootUnits } = arithmetic;
    const channelCount = reference.length / rowCount / headCount;
    // |x · r| is √n at most; a subnormal gain may be taken for 0.
    const ofGain = flushesBelow * Math.sqrt(channelCount);
    const depth = rowDepth(channelCount);
    // The sum of gain and offset is rounded once.
    const others = inverseRootUnits + 2 + 1.5 + (gainOffset === 0 ? 0 : 1);
    const tier = (roundings: number): Float64Array => {
      const relative = gamma(roundings / 2, sumUnit) + gamma(others, unit);
      return reference.map((y, i) => {
        const g = (gain?.[i % channelCount] ?? Number.NaN) + gainOffset;
        return relative * Math.abs(y) + tiny * (1 + Math.abs(g)) + ofGain;
      });
    };
    return {
      reference,
      expected: tier(Math.min(expectedSum(channelCount), depth)),
      proven: tier(depth),
      magnitude: null,
    };
  },
  /**
   * x_i / √((x_i² + S)/n + eps), S the other squares of the row: it grows with x_i, and shrinks as S grows. So the ends
   * of x_i, each with the S that takes it further, are the ends of the result. S is a sum from both sides: the
   * difference to the whole would lose the small squares beside a massive one.
   */
  carry({ headCount = 1, gainOffset = 0, eps }, { inputs, reference, rowCount, gain }, deviations) {
    const [x = reference] = inputs;
    const off = deviationOf(deviations, 0);
    const n = reference.length / rowCount / headCount;
    const out = new Float64Array(x.length);
    const [least, most] = [new Float64Array(n), new Float64Array(n)];
    for (let row = 0; row < x.length; row += n) {
      const size = (c: number): number => Math.abs(x[row + c] ?? 0);
      const leastOf = (c: number): number => Math.max(0, size(c) - off(row + c)) ** 2;
      const mostOf = (c: number): number => (size(c) + off(row + c)) ** 2;
      let [squares, leastLeft, mostLeft, leastRight, mostRight] = [0, 0, 0, 0, 0];
      for (let c = 0; c < n; c += 1) {
        [least[c], most[c]] = [leastLeft, mostLeft];
        leastLeft += leastOf(c);
        mostLeft += mostOf(c);
        squares += size(c) ** 2;
      }
      for (let c = n - 1; c >= 0; c -= 1) {
        const normed = (value: number, others: number): number => value / Math.sqrt((value ** 2 + others) / n + eps);
        const others = { least: (least[c] ?? 0) + leastRight, most: (most[c] ?? 0) + mostRight };
        const y = size(c) / Math.sqrt(squares / n + eps);
        const low = size(c) - off(row + c);
        const away = Math.max(
          normed(size(c) + off(row + c), others.least) - y,
          y - normed(low, low < 0 ? others.least : others.most),
        );
        out[row + c] = away * Math.abs((gain?.[c] ?? Number.NaN) + gainOffset);
        leastRight += leastOf(c);
        mostRight += mostOf(c);
      }
    }
    return out;
  },
  bugClass: 'NORM_FAILURE',
  expectedGroupRms: 0.15,
  sharesErrors: true,
  faults: [
    {
      id: 'N2',
      title: 'norm epsilon outside of the root',
      bugClass: 'NORM_FAILURE',
      firstStage: 'attn_norm',
      needs: 'a row with a small mean square',
      gross: sourceVariant(
        'epsilon is added to the root and not below it',
        KERNEL,
        '<f32>1 / sqrt<f32>(dot(x, x, channelCount) / <f32>channelCount + eps)',
        '<f32>1 / (sqrt<f32>(dot(x, x, channelCount) / <f32>channelCount) + eps)',
      ),
      small: sourceVariant(
        'epsilon is added twice',
        KERNEL,
        '/ <f32>channelCount + eps)',
        '/ <f32>channelCount + eps + eps)',
      ),
    },
    {
      id: 'N4',
      title: 'the norm’s mean is not over its channels',
      bugClass: 'NORM_FAILURE',
      firstStage: 'attn_norm',
      needs: 'any input; a width that is not a multiple of 4 for the small one',
      gross: sourceVariant(
        'the mean square is divided by one channel less',
        KERNEL,
        '/ <f32>channelCount + eps)',
        '/ <f32>(channelCount - 1) + eps)',
      ),
      small: sourceVariant(
        'the channels after the last multiple of 4 are missing from the sum of squares',
        KERNEL,
        'dot(x, x, channelCount)',
        'dot(x, x, channelCount > 3 ? channelCount & ~3 : channelCount)',
      ),
    },
  ],
};
