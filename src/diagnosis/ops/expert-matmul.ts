// Judging `expertMatmul`: as a matmul, with the rows of the expert that each slot asks for.
import { sourceVariant } from '../faults/fault.ts';
import type { JudgementOf } from './judgement.ts';
import { productBudget } from './matmul.ts';

const BINDING = 'src/engine/cpu/bind-op.ts';
const SLICE = 'weights + (ids[i] ?? 0) * sliceBytes';

export const expertMatmulJudgement: JudgementOf<'expertMatmul'> = {
  budget: (_, given) => productBudget(given),
  bugClass: 'FFN_FAILURE',
  // Their rows are short in the models at hand; the limit of a matmul on real captures.
  expectedGroupRms: 0.14,
  faults: [
    {
      id: 'M5-slice',
      title: 'an expert’s rows are read from the slice of another',
      bugClass: 'MOE_ROUTING_FAILURE',
      firstStage: 'moe_ffn_out',
      needs: 'a model with experts that differ',
      gross: sourceVariant(
        'every expert reads the slice after its own',
        BINDING,
        SLICE,
        'weights + (((ids[i] ?? 0) + 1) % op.expertCount) * sliceBytes',
      ),
      small: sourceVariant(
        'the last expert reads the slice before its own',
        BINDING,
        SLICE,
        'weights + Math.min(ids[i] ?? 0, Math.max(0, op.expertCount - 2)) * sliceBytes',
      ),
    },
  ],
};
