// Rows as a declared format makes them, in the order of operations that ggml has: activations before a product, keys
// and values in a cache. Part of the emulated run S; no weights in here. Each format has a file, and a claim.
import type { ActivationFormat, CacheFormat } from '../../engine/program/numeric-profile.ts';
import { UNIT_BF16, UNIT_F16 } from '../ops/constants.ts';
import { roundToBf16 } from './activations/bf16.ts';
import { roundToF16 } from './activations/f16.ts';
import { quantizeQ80 } from './activations/q8_0.ts';
import { roundToQ81 } from './activations/q8_1.ts';
import { quantizeQ8K } from './activations/q8_k.ts';
import { roundedValues, type RoundedActivations } from './activations/rounded-activations.ts';

/** @throws RefuteError E_ACTIVATION_BLOCK where the rows do not fill the blocks of the format */
export function roundActivations(x: Float64Array, format: ActivationFormat): RoundedActivations {
  if (format === 'f16') return exactly(roundToF16(x));
  if (format === 'bf16') return exactly(roundToBf16(x));
  if (format === 'q8_1') return roundToQ81(x);
  return roundedValues(format === 'q8_0' ? quantizeQ80(x) : quantizeQ8K(x));
}

/** Rows of keys or values as a cache stores them. @throws RefuteError E_ACTIVATION_BLOCK */
export function roundCache(rows: Float64Array, format: CacheFormat): RoundedActivations {
  if (format === 'f64') return exactly(rows);
  return format === 'f32' ? exactly(rows.map(Math.fround)) : roundActivations(rows, format);
}

const exactly = (values: Float64Array): RoundedActivations => ({
  values,
  tieSteps: null,
  isInteger: false,
  sums: null,
});

/** The distance between what neighbouring values are rounded to, element by element; at most that. */
export function stepsOf(x: Float64Array, format: ActivationFormat): Float64Array {
  if (format === 'f16' || format === 'bf16') {
    const unit = 2 * (format === 'f16' ? UNIT_F16 : UNIT_BF16);
    return x.map((value) => unit * Math.abs(value) + 2 ** -24);
  }
  const { blockElements, steps } = format === 'q8_k' ? quantizeQ8K(x) : quantizeQ80(x);
  // The step is rounded too, to a float16 for one of them.
  return x.map((_, i) => (steps[Math.floor(i / blockElements)] ?? Number.NaN) * (1 + 2 ** -10));
}
