// Judging `embed`: a copy, exact but for the rounding of types whose value is not a float32, of a narrower store, and of a
// subnormal that is flushed.
import { oneTier, type JudgementOf } from './judgement.ts';

export const embedJudgement: JudgementOf<'embed'> = {
  budget(_, given) {
    const { reference, isWeightRounded } = given;
    const { unit, tiny, flushesBelow } = given.arithmetic;
    return oneTier(given, (i) => {
      const size = Math.abs(reference[i] ?? 0);
      const rounded = isWeightRounded || Math.fround(size) !== size || unit > 2 ** -23;
      if (rounded) return unit * size + tiny;
      return size < flushesBelow ? size : 0;
    });
  },
  bugClass: 'EMBEDDING_FAILURE',
  expectedGroupRms: 0.45,
  isRoundedOnce: true,
  faults: [],
};
