// Judging `add`: one sum, rounded once.
import { deviationOf, oneTier, type JudgementOf } from './judgement.ts';

export const addJudgement: JudgementOf<'add'> = {
  budget(_, given) {
    const { unit, tiny } = given.arithmetic;
    return oneTier(given, (i) => unit * Math.abs(given.reference[i] ?? 0) + tiny);
  },
  carry(_, { reference }, deviations) {
    const [a, b] = [deviationOf(deviations, 0), deviationOf(deviations, 1)];
    return reference.map((_y, i) => a(i) + b(i));
  },
  bugClass: 'PRECISION_LOSS',
  expectedGroupRms: 0.45,
  isRoundedOnce: true,
  faults: [],
};
