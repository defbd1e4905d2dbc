// Judging `addBias`: one sum, rounded once, of a bias that may be rounded on its way to float32.
import { deviationOf, oneTier, type JudgementOf } from './judgement.ts';
import { classOfProjection } from './projection.ts';

export const addBiasJudgement: JudgementOf<'addBias'> = {
  budget(_, given) {
    const { reference, isWeightRounded } = given;
    const { unit, tiny, flushesBelow } = given.arithmetic;
    const [x] = given.inputs;
    return oneTier(given, (i) => {
      const y = reference[i] ?? 0;
      const bias = isWeightRounded ? unit * Math.abs(y - (x?.[i] ?? 0)) : 0;
      // A subnormal bias may be taken for 0.
      return unit * Math.abs(y) + bias + tiny + flushesBelow;
    });
  },
  carry(_, { reference }, deviations) {
    const off = deviationOf(deviations, 0);
    return reference.map((_y, i) => off(i));
  },
  bugClass: classOfProjection,
  expectedGroupRms: 0.45,
  isRoundedOnce: true,
  faults: [],
};
