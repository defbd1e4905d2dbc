// Tries to break what is emulated of activations in q8_1, the sums of blocks included: claim.ts.
import { roundToQ81 } from '../../src/diagnosis/reference/activations/q8_1.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { LARGEST } from '../kit/arbitraries/kernel-values.ts';
import { plants } from '../kit/claims/plants.ts';
import { TO_Q8_1 } from '../kit/oracles/ggml-quantizers.ts';
import { Q8_1_BUILDS } from '../kit/references/plain-roundings.ts';
import { formatClaim, type FormatOnTrial } from './claim.ts';
import { halfSteps } from './rows.ts';

export const q8_1: FormatOnTrial = {
  name: 'q8_1',
  emulate: roundToQ81,
  builds: Q8_1_BUILDS,
  quantizers: TO_Q8_1,
  rows: { elements: 32, specials: LARGEST, middles: halfSteps(32) },
};

const faults = plants`
  src/diagnosis/reference/activations/q8_1.ts
  gross q8_1-sum-not-stored: the sum is not rounded to float16
  - Math.f16round(Math.fround((unroundedSteps[block] ?? 0) * sum))
  + Math.fround((unroundedSteps[block] ?? 0) * sum)
  small q8_1-sum-of-stored-step: the sum is made with the step that is stored
  - (unroundedSteps[block] ?? 0) * sum
  + step * sum
  small q8_1-ties-not-summed: of the sums that ties make only the least is taken
  - { length: 1 + q.filter(isTie).length }
  + { length: 1 }
  gross q8_1-sum-not-stored-in-oracle in oracle: the sum is not rounded to float16
  - Math.f16round(Math.fround((unroundedSteps[block] ?? 0) * sum))
  + Math.fround((unroundedSteps[block] ?? 0) * sum)
`;

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-SFMT-004': formatClaim(q8_1, faults) };
