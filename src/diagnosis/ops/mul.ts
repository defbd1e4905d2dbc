// Judging `mul`: one product, rounded once.
import { deviationOf, oneTier, type JudgementOf } from './judgement.ts';

export const mulJudgement: JudgementOf<'mul'> = {
  budget(_, given) {
    const { unit, tiny } = given.arithmetic;
    return oneTier(given, (i) => unit * Math.abs(given.reference[i] ?? 0) + tiny);
  },
  carry(_, { inputs, reference }, deviations) {
    const [a, b] = inputs;
    const [offA, offB] = [deviationOf(deviations, 0), deviationOf(deviations, 1)];
    return reference.map((_y, i) => Math.abs(a?.[i] ?? 0) * offB(i) + (Math.abs(b?.[i] ?? 0) + offB(i)) * offA(i));
  },
  bugClass: 'FFN_FAILURE',
  expectedGroupRms: 0.45,
  isRoundedOnce: true,
  faults: [],
};
