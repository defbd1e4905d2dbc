// Judging `add`: one sum, rounded once.
import { oneTier, type JudgementOf } from './judgement.ts';

export const addJudgement: JudgementOf<'add'> = {
  budget(_, given) {
    const { unit, tiny } = given.arithmetic;
    return oneTier(given, (i) => unit * Math.abs(given.reference[i] ?? 0) + tiny);
  },
  bugClass: 'PRECISION_LOSS',
  expectedGroupRms: 0.45,
  isRoundedOnce: true,
  faults: [],
};
