// Tries to break what is emulated of activations and caches in float16: claim.ts.
import { roundToF16 } from '../../src/diagnosis/reference/activations/f16.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { LARGEST, NON_FINITE } from '../kit/arbitraries/kernel-values.ts';
import { plants } from '../kit/claims/plants.ts';
import { TO_F16 } from '../kit/oracles/ggml-quantizers.ts';
import { F16_BUILDS } from '../kit/references/plain-roundings.ts';
import { formatClaim, type FormatOnTrial } from './claim.ts';
import { halfUnits } from './rows.ts';

export const f16: FormatOnTrial = {
  name: 'f16',
  emulate: (x) => ({ values: roundToF16(x), tieSteps: null, isInteger: false, sums: null }),
  builds: F16_BUILDS,
  quantizers: TO_F16,
  rows: {
    elements: 32,
    specials: [...LARGEST, ...NON_FINITE, 65_504, 65_519.996, -65_520, 2 ** -25, -(2 ** -24)],
    middles: halfUnits(11, -14),
  },
};

const faults = plants`
  src/diagnosis/reference/activations/f16.ts
  gross f16-truncated: the bits that do not fit are cut off
  - return x.map(Math.f16round);
  + return x.map((value) => Math.sign(value) * Math.min(Math.abs(Math.f16round(value)), Math.abs(Math.f16round(value * (1 - 2 ** -11)))));
  small f16-subnormals-flushed: a subnormal becomes 0
  - return x.map(Math.f16round);
  + return x.map((value) => (Math.abs(Math.f16round(value)) < 2 ** -14 ? 0 : Math.f16round(value)));
  gross f16-off-in-oracle in oracle: every value is off by two units before it is rounded
  - return x.map(Math.f16round);
  + return x.map((value) => Math.f16round(value * (1 + 2 ** -9)));
`;

export const falsifiers: Readonly<Record<string, Falsifier>> = { 'FALSIFY-SFMT-001': formatClaim(f16, faults) };
