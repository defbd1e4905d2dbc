// Judging `scale`: one product with a factor that may itself be rounded to the engine's type.
import { gamma } from '../reference/arithmetic.ts';
import { deviationOf, oneTier, type JudgementOf } from './judgement.ts';

export const scaleJudgement: JudgementOf<'scale'> = {
  budget(_, given) {
    const { unit, tiny } = given.arithmetic;
    return oneTier(given, (i) => gamma(2, unit) * Math.abs(given.reference[i] ?? 0) + tiny);
  },
  carry({ factor }, { reference }, deviations) {
    const off = deviationOf(deviations, 0);
    return reference.map((_y, i) => Math.abs(factor) * off(i));
  },
  bugClass: 'EMBEDDING_FAILURE',
  expectedGroupRms: 0.45,
  faults: [],
};
