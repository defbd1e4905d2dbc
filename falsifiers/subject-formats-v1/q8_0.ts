// Tries to break what is emulated of activations and caches in q8_0: claim.ts.
import { quantizeQ80 } from '../../src/diagnosis/reference/activations/q8_0.ts';
import { roundedValues } from '../../src/diagnosis/reference/activations/rounded-activations.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { LARGEST } from '../kit/arbitraries/kernel-values.ts';
import { plants } from '../kit/claims/plants.ts';
import { TO_Q8_0 } from '../kit/oracles/ggml-quantizers.ts';
import { Q8_0_BUILDS } from '../kit/references/plain-roundings.ts';
import { formatClaim, type FormatOnTrial } from './claim.ts';
import { halfSteps } from './rows.ts';

export const q8_0: FormatOnTrial = {
  name: 'q8_0',
  emulate: (x) => roundedValues(quantizeQ80(x)),
  builds: Q8_0_BUILDS,
  quantizers: TO_Q8_0,
  rows: { elements: 32, specials: LARGEST, middles: halfSteps(32) },
};

const faults = plants`
  src/diagnosis/reference/activations/q8_0.ts
  gross q8_0-step-not-stored: the step is not rounded to float16
  - steps: unroundedSteps.map(Math.f16round), unroundedSteps
  + steps: unroundedSteps.slice(), unroundedSteps
  gross q8_0-truncated: the quotient is cut off
  - tie : Math.round(quotient)
  + tie : Math.trunc(quotient)
  gross q8_0-wide in live: far from a tie both neighbours are taken too
  - <= reach ? tie
  + <= 4_000 * reach ? tie
  small q8_0-one-neighbour: at a tie the larger neighbour is taken alone
  - <= reach ? tie
  + < 0 ? tie
  gross q8_0-truncated-in-oracle in oracle: the quotient is cut off
  - tie : Math.round(quotient)
  + tie : Math.trunc(quotient)
  src/diagnosis/reference/activations/rounded-activations.ts
  small q8_0-largest-positive: the extreme is the largest value, not the largest magnitude
  - Math.max(extreme, Math.abs(x[i] ?? 0))
  + Math.max(extreme, x[i] ?? 0)
`;

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-SFMT-003': formatClaim(q8_0, faults) };
