// Judging `gelu`: x·σ(2u) with 2u = x(c + d·x²). A relative error of 5 roundings in 2u moves σ by (1 − σ)·|2u| of it;
// the rest is as in silu.
import { gelu } from '../../oracles/float64/ops/gelu.ts';
import { gamma } from '../reference/arithmetic.ts';
import { carryThrough, oneTier, type JudgementOf } from './judgement.ts';

/** Where its tanh form is least, a root of its derivative. */
const VALLEY = -0.7524614220710163;

export const geluJudgement: JudgementOf<'gelu'> = {
  budget(_, given) {
    const { unit, tiny, quotientUnits, expUnits } = given.arithmetic;
    const [x] = given.inputs;
    return oneTier(given, (i) => {
      const [y, v] = [given.reference[i] ?? 0, x?.[i] ?? 0];
      const twoU = Math.abs(v) * (1.5957691216057308 + 0.07135481627260025 * v * v);
      const share = v < 0 ? 1 : 1 / (1 + Math.exp(twoU));
      const units = expUnits(twoU) + 2 + quotientUnits + 5 * twoU * share;
      return gamma(units, unit) * Math.abs(y) + tiny * (1 + 2 * Math.abs(v));
    });
  },
  carry: (_, { inputs }, deviations) => carryThrough(gelu, inputs, deviations, VALLEY),
  bugClass: 'FFN_FAILURE',
  // 2.5 times the largest seen in the untrained tiny models of gemma2.
  expectedGroupRms: 0.3,
  faults: [],
};
