// Judging `softcap`: cap·tanh(x/cap). |tanh'(z)·z| <= |tanh z|, so the quotient costs its own error; tanh is made of
// an exponential.
import { softcap } from '../../oracles/float64/ops/softcap.ts';
import { gamma } from '../reference/arithmetic.ts';
import { TANH_UNITS } from './constants.ts';
import { carryThrough, oneTier, type JudgementOf } from './judgement.ts';

export const softcapJudgement: JudgementOf<'softcap'> = {
  budget(_, given) {
    const { unit, tiny, quotientUnits } = given.arithmetic;
    return oneTier(
      given,
      (i) => gamma(TANH_UNITS + quotientUnits + 2, unit) * Math.abs(given.reference[i] ?? 0) + tiny,
    );
  },
  carry: ({ cap }, { inputs }, deviations) => carryThrough((x) => softcap(x, cap), inputs, deviations),
  bugClass: 'LM_HEAD_FAILURE',
  // 2.5 times the largest seen in the untrained tiny models of gemma2; others gave 0.059 where these had 0.042.
  expectedGroupRms: 0.11,
  faults: [],
};
