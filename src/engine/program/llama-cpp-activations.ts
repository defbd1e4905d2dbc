// What llama.cpp multiplies weights of each type by, on a CPU: activations in the type's own partner; q8_1 rounds as q8_0
// does. docs/parity.md has the measurements. Not a profile: what it does with float16 weights goes by the processor.
import { TENSOR_TYPES, type TensorTypeName } from '../formats/tensor-types.ts';
import type { ActivationFormat } from './numeric-profile.ts';

type Activations = Readonly<Partial<Record<TensorTypeName, ActivationFormat>>>;

/** On some processors float16 weights are multiplied by float32. */
export const LLAMA_CPP_NARROW: Activations = Object.fromEntries(
  Object.entries(TENSOR_TYPES).flatMap(([name, { activationPartner: partner }]) =>
    partner === null || partner === 'f16' ? [] : [[name, partner === 'q8_1' ? 'q8_0' : partner]],
  ),
);

/** On others by float16. */
export const LLAMA_CPP_WIDE: Activations = { ...LLAMA_CPP_NARROW, f16: 'f16' };
