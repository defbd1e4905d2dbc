// Tries to break what is emulated of activations in q8_K: claim.ts.
import { quantizeQ8K } from '../../src/diagnosis/reference/activations/q8_k.ts';
import { roundedValues } from '../../src/diagnosis/reference/activations/rounded-activations.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { plants } from '../kit/claims/plants.ts';
import { LARGEST } from '../kit/arbitraries/kernel-values.ts';
import { TO_Q8_K } from '../kit/oracles/ggml-quantizers.ts';
import { Q8_K_BUILDS } from '../kit/references/plain-roundings.ts';
import { formatClaim, type FormatOnTrial } from './claim.ts';
import { halfSteps } from './rows.ts';

export const q8_k: FormatOnTrial = {
  name: 'q8_k',
  emulate: (x) => roundedValues(quantizeQ8K(x)),
  builds: Q8_K_BUILDS,
  quantizers: TO_Q8_K,
  rows: { elements: 256, specials: LARGEST, middles: halfSteps(256) },
};

const faults = plants`
  src/diagnosis/reference/activations/q8_k.ts
  gross q8_k-half-blocks: a block has 128 elements
  - BLOCK_ELEMENTS = 256
  + BLOCK_ELEMENTS = 128
  gross q8_k-truncated: products are cut off
  - return value + unitIsOne - unitIsOne;
  + return value === unitIsOne ? 0 : Math.trunc(value);
  small q8_k-ties-away: a tie is rounded away from zero
  - return value + unitIsOne - unitIsOne;
  + return value === unitIsOne ? 0 : Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
  small q8_k-step-from-extreme: the step is a 127th of the extreme, not 1/i
  - Math.fround(1 / inverse)
  + Math.fround(extreme / 127)
  small q8_k-fused-alone: a product that is rounded to float32 first is not thought of
  - nearestEven(Math.fround(product))
  + nearestEven(product)
  gross q8_k-half-blocks-in-oracle in oracle: a block has 128 elements
  - BLOCK_ELEMENTS = 256
  + BLOCK_ELEMENTS = 128
  src/diagnosis/reference/activations/rounded-activations.ts
  gross q8_k-largest-positive: the extreme is the largest value, not the largest magnitude
  - Math.max(extreme, Math.abs(x[i] ?? 0))
  + Math.max(extreme, x[i] ?? 0)
`;

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-SFMT-005': formatClaim(q8_k, faults) };
