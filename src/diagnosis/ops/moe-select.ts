// Judging `moeSelect`: ids, which are exact. The captured logits decide, ties by lower id.
import { sourceVariant } from '../faults/fault.ts';
import { oneTier, type JudgementOf } from './judgement.ts';

const KERNEL = 'src/engine/cpu/kernels/moe.as.ts';

export const moeSelectJudgement: JudgementOf<'moeSelect'> = {
  budget: (_, given) => oneTier(given, () => 0),
  bugClass: 'MOE_ROUTING_FAILURE',
  // Bit for bit: its budget is 0.
  expectedGroupRms: 0.45,
  faults: [
    {
      id: 'M6',
      title: 'top-k off by one, or its ties broken the other way',
      bugClass: 'MOE_ROUTING_FAILURE',
      firstStage: 'moe_router_indices',
      needs: 'a model with experts; for the small one two equal logits',
      gross: sourceVariant(
        'the last expert is never looked at',
        KERNEL,
        'if (isChosen(out, slot, id) ||',
        'if ((id > 0 && id + 1 == expertCount) || isChosen(out, slot, id) ||',
      ),
      small: sourceVariant(
        'of equal logits the higher id comes first',
        KERNEL,
        '!(at(logits, id) > at(logits, best))',
        '!(at(logits, id) >= at(logits, best))',
      ),
    },
  ],
};
