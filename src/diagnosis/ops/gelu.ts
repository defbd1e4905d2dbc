// Judging `gelu`: x·σ(2u) with 2u = x(c + d·x²). A relative error of 5 roundings in 2u moves σ by (1 − σ)·|2u| of it;
// the rest is as in silu.
import { gelu } from '../../oracles/float64/ops/gelu.ts';
import { gamma, LARGEST_EXPONENT } from '../reference/arithmetic.ts';
import { TANH_UNITS, UNIT_F16 } from './constants.ts';
import { geluByTable } from './gelu-table.ts';
import { carryThrough, oneTier, type JudgementOf } from './judgement.ts';

/** Its largest slope, rounded up. */
const STEEPEST = 1.13;
/** Where its tanh form is least, a root of its derivative. */
const VALLEY = -0.7524614220710163;

export const geluJudgement: JudgementOf<'gelu'> = {
  budget(_, given) {
    const { unit, tiny, quotientUnits, expUnits } = given.arithmetic;
    const [x = new Float64Array(0)] = given.inputs;
    if (given.arithmetic.gelu === 'f16-table') {
      const { values, slacks } = geluByTable(x);
      return { ...oneTier({ reference: values }, () => tiny), slack: slacks };
    }
    return oneTier(given, (i) => {
      const [y, v] = [given.reference[i] ?? 0, x[i] ?? 0];
      const twoU = Math.min(LARGEST_EXPONENT, Math.abs(v) * (1.5957691216057308 + 0.07135481627260025 * v * v));
      const share = v < 0 ? 1 : 1 / (1 + Math.exp(twoU));
      const units = expUnits(twoU) + 2 + quotientUnits + 5 * twoU * share;
      // Of x/2 · (1 + t) the error of t, which is near −1 below 0, is not small beside the sum.
      const cancelled = given.arithmetic.gelu === 'tanh' ? (TANH_UNITS * unit * Math.abs(v)) / 2 : 0;
      return gamma(units, unit) * Math.abs(y) + cancelled + tiny * (1 + 2 * Math.abs(v));
    });
  },
  carry(_, { inputs, reference, arithmetic }, deviations) {
    const moved = carryThrough(gelu, inputs, deviations, VALLEY);
    if (arithmetic.gelu !== 'f16-table') return moved;
    // By a table, the input may fall to the next half, and the entry with it.
    return moved.map(
      (by, i) => by + 2 * UNIT_F16 * (STEEPEST * Math.abs(inputs[0]?.[i] ?? 0) + Math.abs(reference[i] ?? 0)),
    );
  },
  bugClass: 'FFN_FAILURE',
  // 2.5 times the largest seen in the untrained tiny models of gemma2.
  expectedGroupRms: 0.3,
  faults: [],
};
