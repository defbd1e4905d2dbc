// What is declared about the roundings of each side of a parity run: our own executors by their numeric profile, somebody
// else's engine by one of the words below. The spread that two profiles explain is computed from these and nothing else.
import type { NumericProfile } from '../../engine/program/executor.ts';
import { RefuteError } from '../../errors.ts';
import { arithmeticOf, FOREIGN_F32, type Arithmetic } from '../reference/arithmetic.ts';
import { UNIT_BF16, UNIT_F16, UNIT_F64 } from '../ops/constants.ts';

/** How activations enter a matmul. */
export type ActivationFormat = 'float' | 'f16' | 'bf16' | 'q8_0' | 'q8_k';

export interface ParityProfile {
  name: string;
  arithmetic: Arithmetic;
  activationsFor(weightType: string | undefined): ActivationFormat;
}

const floats = (): ActivationFormat => 'float';

/**
 * llama.cpp on a CPU multiplies weights of each type by activations of the type's own partner: K-quants by q8_k, the other
 * quantised ones by q8_0 or q8_1 (the same rounding), half floats by their like. docs/parity.md has the measurements.
 */
const LLAMA_CPP_PARTNERS: Readonly<Record<string, ActivationFormat>> = {
  f16: 'f16',
  bf16: 'bf16',
  q4_0: 'q8_0',
  q4_1: 'q8_0',
  q5_0: 'q8_0',
  q5_1: 'q8_0',
  q8_0: 'q8_0',
  q4_k: 'q8_k',
  q5_k: 'q8_k',
  q6_k: 'q8_k',
};

const FLOAT64: Arithmetic = {
  ...FOREIGN_F32,
  name: 'float64',
  unit: UNIT_F64,
  sumUnit: UNIT_F64,
  kvCache: 'f64',
  angle: { relative: () => 4 * UNIT_F64, sincos: UNIT_F64 },
};

const partner = (type: string | undefined): ActivationFormat => LLAMA_CPP_PARTNERS[type ?? ''] ?? 'float';

/**
 * As it is opened here: cache in float32, and float16 weights times float32, which is what the prebuilt x64 one does (KL to
 * us 1e-14 … 2e-12 on sums-2m F16; float16 activations would make 1e-6). Where one rounds, `--profile llama.cpp` says so.
 */
export const LLAMA_CPP: ParityProfile = {
  name: 'llama.cpp, float32 cache',
  arithmetic: FOREIGN_F32,
  activationsFor: (type) => (type === 'f16' ? 'float' : partner(type)),
};

const PROFILES: ReadonlyMap<string, ParityProfile> = new Map(
  [
    { name: 'float64', arithmetic: FLOAT64, activationsFor: floats },
    { name: 'float32', arithmetic: FOREIGN_F32, activationsFor: floats },
    { name: 'float16', arithmetic: storedIn(UNIT_F16), activationsFor: floats },
    { name: 'bfloat16', arithmetic: storedIn(UNIT_BF16), activationsFor: floats },
    // Its server and its tools: a float16 cache unless told otherwise.
    { name: 'llama.cpp', arithmetic: { ...FOREIGN_F32, kvCache: 'f16' as const }, activationsFor: partner },
  ].map((profile) => [profile.name, profile]),
);

const PROFILE_NAMES: readonly string[] = [...PROFILES.keys()];

/** @throws RefuteError E_PROFILE */
export function profileNamed(name: string, place: string): ParityProfile {
  const profile = PROFILES.get(name);
  if (profile !== undefined) return profile;
  const allowed = `one of ${PROFILE_NAMES.join(', ')}`;
  throw new RefuteError({ code: 'E_PROFILE', place, is: `${JSON.stringify(name)} is not a profile`, allowed });
}

export function ownProfile(profile: NumericProfile, executor: 'cpu' | 'webgpu' | 'float64'): ParityProfile {
  const arithmetic = arithmeticOf(profile, executor);
  return { name: `${executor}, ${arithmetic.name}`, arithmetic, activationsFor: () => arithmetic.activations };
}

/** Every value that is written is rounded to the type. */
function storedIn(unit: number): Arithmetic {
  return { ...FOREIGN_F32, unit, sumUnit: unit, kvCache: unit === UNIT_F16 ? 'f16' : 'f32' };
}
