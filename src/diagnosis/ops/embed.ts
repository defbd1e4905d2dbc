// Judging `embed`: a copy, exact but for the rounding of types whose value is not a float32, and of a narrower store.
import { oneTier, type JudgementOf } from './judgement.ts';

export const embedJudgement: JudgementOf<'embed'> = {
  budget(_, given) {
    const { reference, isWeightRounded } = given;
    const { unit, tiny } = given.arithmetic;
    return oneTier(given, (i) => {
      const rounded = isWeightRounded || Math.fround(reference[i] ?? 0) !== reference[i] || unit > 2 ** -23;
      return rounded ? unit * Math.abs(reference[i] ?? 0) + tiny : 0;
    });
  },
  bugClass: 'EMBEDDING_FAILURE',
  expectedGroupRms: 0.45,
  isRoundedOnce: true,
  faults: [],
};
