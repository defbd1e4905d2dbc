// Profiles of other people's engines. Little is known of them, so each is the widest of its kind. Names for --profile.
import { UNDECLARED, type ActivationFormat, type NumericProfile } from '../../engine/program/numeric-profile.ts';
import { TENSOR_TYPES, type TensorTypeName } from '../../engine/formats/tensor-types.ts';
import { RefuteError } from '../../errors.ts';
import { UNIT_F64 } from '../ops/constants.ts';

const FLOAT64: NumericProfile = {
  ...UNDECLARED,
  storage: 'f64',
  accumulator: 'f64',
  kvCache: 'f64',
  ropeTable: { computedIn: 'f64', angleRoundings: 4, angleRoundingsPerPair: 0, sincosError: UNIT_F64 },
};

/** Every value that is written is rounded to the type. Conversions keep subnormals (float16: below 6e-5). */
const storedIn = (type: 'f16' | 'bf16'): NumericProfile => ({
  ...UNDECLARED,
  storage: type,
  accumulator: type,
  flushesSubnormals: false,
  kvCache: type,
});
export const FLOAT16: NumericProfile = storedIn('f16');
export const BFLOAT16: NumericProfile = storedIn('bf16');

/**
 * llama.cpp on a CPU multiplies weights of each type by activations of the type's own partner; q8_1 rounds as q8_0
 * does. float16 goes by the processor, below. docs/parity.md has the measurements.
 */
const LLAMA_CPP_FORMATS: Readonly<Partial<Record<TensorTypeName, ActivationFormat>>> = Object.fromEntries(
  Object.entries(TENSOR_TYPES).flatMap(([name, { activationPartner: partner }]) =>
    partner === null || partner === 'f16' ? [] : [[name, partner === 'q8_1' ? 'q8_0' : partner]],
  ),
);

/**
 * As it is opened here, with its cache in float32. What it does with float16 weights goes by the processor that it
 * finds: on one it multiplies them by float32 (KL to us 1e-14 … 2e-12 on sums-2m F16), on another it rounds the
 * activations to float16 (1e-6). The narrower one first.
 */
export const LLAMA_CPP: readonly NumericProfile[] = [
  { ...UNDECLARED, activations: LLAMA_CPP_FORMATS },
  { ...UNDECLARED, activations: { ...LLAMA_CPP_FORMATS, f16: 'f16' } },
];

const PROFILES: ReadonlyMap<string, NumericProfile> = new Map([
  ['float64', FLOAT64],
  ['float32', UNDECLARED],
  ['float16', FLOAT16],
  ['bfloat16', BFLOAT16],
  // Its server and its tools: a float16 cache unless told otherwise.
  ['llama.cpp', { ...UNDECLARED, activations: { ...LLAMA_CPP_FORMATS, f16: 'f16' }, kvCache: 'f16' }],
]);

/** @throws RefuteError E_PROFILE */
export function profileNamed(name: string, place: string): NumericProfile {
  const profile = PROFILES.get(name);
  if (profile !== undefined) return profile;
  const allowed = `one of ${[...PROFILES.keys()].join(', ')}`;
  throw new RefuteError({ code: 'E_PROFILE', place, is: `${JSON.stringify(name)} is not a profile`, allowed });
}
