// Judging `mul`: one product, rounded once.
import { oneTier, type JudgementOf } from './judgement.ts';

export const mulJudgement: JudgementOf<'mul'> = {
  budget(_, given) {
    const { unit, tiny } = given.arithmetic;
    return oneTier(given, (i) => unit * Math.abs(given.reference[i] ?? 0) + tiny);
  },
  bugClass: 'FFN_FAILURE',
  expectedGroupRms: 0.45,
  isRoundedOnce: true,
  faults: [],
};
