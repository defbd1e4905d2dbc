// Judging `silu`: x / (1 + t), t = e^−|x|. The exponential (all of it where x < 0, t/(1 + t) of it elsewhere), 1 + t,
// a product, the quotient. A t that underflows is off by tiny, times |x|.
import { silu } from '../../oracles/float64/ops/silu.ts';
import { sourceVariant } from '../faults/fault.ts';
import { gamma } from '../reference/arithmetic.ts';
import { carryThrough, oneTier, type JudgementOf } from './judgement.ts';

const KERNEL = 'src/engine/cpu/kernels/silu.as.ts';

/** Where SiLU is least: −1 − W(1/e). */
const VALLEY = -1.278464542761074;

export const siluJudgement: JudgementOf<'silu'> = {
  budget(_, given) {
    const { unit, tiny, quotientUnits, expUnits } = given.arithmetic;
    const [x] = given.inputs;
    return oneTier(given, (i) => {
      const [y, v] = [given.reference[i] ?? 0, x?.[i] ?? 0];
      const units = expUnits(v) + 2 + quotientUnits;
      return gamma(units, unit) * Math.abs(y) + tiny * (1 + 2 * Math.abs(v));
    });
  },
  carry: (_, { inputs }, deviations) => carryThrough(silu, inputs, deviations, VALLEY),
  bugClass: 'FFN_FAILURE',
  expectedGroupRms: 0.18,
  faults: [
    {
      id: 'M2',
      title: 'another activation function for SiLU',
      bugClass: 'FFN_FAILURE',
      firstStage: 'ffn_silu',
      needs: 'any input',
      gross: sourceVariant(
        'x · sigmoid(1.702 x), which stands in for GELU',
        KERNEL,
        'f32x4.neg(f32x4.abs(x))',
        'f32x4.neg(f32x4.abs(f32x4.mul(f32x4.splat(1.702), x)))',
      ),
      small: sourceVariant(
        'SiLU, but of numbers below -8, which become 0',
        KERNEL,
        'v128.bitselect(f32x4.mul(x, t), x, f32x4.lt(x, v128.load(ZERO)))',
        'f32x4.mul(v128.bitselect(f32x4.mul(x, t), x, f32x4.lt(x, v128.load(ZERO))), f32x4.convert_i32x4_s(v128.and(f32x4.ge(x, f32x4.splat(-8)), i32x4.splat(1))))',
      ),
    },
  ],
};
