// Tries to break what is emulated of activations and caches in bfloat16: claim.ts.
import { roundToBf16 } from '../../src/diagnosis/reference/activations/bf16.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { LARGEST, NON_FINITE } from '../kit/arbitraries/kernel-values.ts';
import { plants } from '../kit/claims/plants.ts';
import { TO_BF16 } from '../kit/oracles/ggml-quantizers.ts';
import { BF16_BUILDS } from '../kit/references/plain-roundings.ts';
import { formatClaim, type FormatOnTrial } from './claim.ts';
import { halfUnits } from './rows.ts';

export const bf16: FormatOnTrial = {
  name: 'bf16',
  emulate: (x) => ({ values: roundToBf16(x), tieSteps: null, isInteger: false, sums: null }),
  builds: BF16_BUILDS,
  quantizers: TO_BF16,
  rows: { elements: 32, specials: [...LARGEST, ...NON_FINITE], middles: halfUnits(8, -126) },
};

const faults = plants`
  src/diagnosis/reference/activations/bf16.ts
  gross bf16-truncated: the lower half is cut off
  - (word + 0x7fff + ((word >>> 16) & 1))
  + word
  small bf16-ties-away: the middle of two is rounded away from zero
  - (word + 0x7fff + ((word >>> 16) & 1))
  + (word + 0x8000)
  gross bf16-truncated-in-oracle in oracle: the lower half is cut off
  - (word + 0x7fff + ((word >>> 16) & 1))
  + word
`;

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-SFMT-002': formatClaim(bf16, faults) };
