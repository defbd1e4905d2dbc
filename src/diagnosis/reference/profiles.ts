// Profiles of other people's engines by name, for --formats and --profile, and as a file or a manifest says them. Of
// what is not known of an engine, the widest of its kind.
import { parseProfile } from '../../engine/capture/parse-profile.ts';
import { DISK } from '../../engine/io/disk.ts';
import { readWholeFile } from '../../engine/io/read-whole.ts';
import { quoted, shownValue } from '../../engine/formats/quoted.ts';
import { LLAMA_CPP_NARROW, LLAMA_CPP_WIDE } from '../../engine/program/llama-cpp-activations.ts';
import { INFERRED_PARTS, UNDECLARED } from '../../engine/program/numeric-profile.ts';
import type { DeclaredFormats, NumericProfile } from '../../engine/program/numeric-profile.ts';
import { RefuteError } from '../../errors.ts';
import { UNIT_BF16, UNIT_F16, UNIT_F64 } from '../ops/constants.ts';
import { readSmallYaml } from '../small-yaml.ts';

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
const FLOAT16: NumericProfile = storedIn('f16');
const BFLOAT16: NumericProfile = storedIn('bf16');

/**
 * As it is opened here, with its cache in float32. What it does with float16 weights goes by the processor that it
 * finds: on one it multiplies them by float32 (KL to us 1e-14 … 2e-12 on sums-2m F16), on another it rounds the
 * activations to float16 (1e-6). The narrower one first.
 */
export const LLAMA_CPP: readonly NumericProfile[] = [
  { ...UNDECLARED, activations: LLAMA_CPP_NARROW },
  { ...UNDECLARED, activations: LLAMA_CPP_WIDE },
];

/**
 * What PyTorch computes in a half type: values are rounded as they are stored, a product sums in float32, cosines and
 * sines are rounded too.
 */
const pytorch = (type: 'f16' | 'bf16'): NumericProfile => ({
  ...storedIn(type),
  accumulator: 'f32',
  ropeTable: {
    computedIn: 'f32',
    angleRoundings: 4,
    angleRoundingsPerPair: 0,
    sincosError: type === 'f16' ? UNIT_F16 : UNIT_BF16,
  },
});

/** A profile has a dozen lines. */
const MAX_FILE_BYTES = 2 ** 20;

const FORMATS: ReadonlyMap<string, DeclaredFormats> = new Map<string, DeclaredFormats>([
  ['float64', { profile: FLOAT64, undeclared: [] }],
  ['float32', { profile: UNDECLARED, undeclared: [] }],
  ['float16', { profile: FLOAT16, undeclared: [] }],
  ['bfloat16', { profile: BFLOAT16, undeclared: [] }],
  ['pytorch-f16', { profile: pytorch('f16'), undeclared: ['attention'] }],
  ['pytorch-bf16', { profile: pytorch('bf16'), undeclared: ['attention'] }],
  [
    'llama.cpp',
    {
      // Its server and its tools: a float16 cache unless told otherwise. The rest goes by the processor.
      profile: {
        ...UNDECLARED,
        activations: LLAMA_CPP_WIDE,
        kvCache: 'f16',
        gelu: 'f16-table',
      },
      undeclared: ['attention', 'activations'],
    },
  ],
]);

/** @throws RefuteError E_PROFILE */
export function formatsNamed(name: string, place: string): DeclaredFormats {
  const formats = FORMATS.get(name);
  if (formats !== undefined) return formats;
  const allowed = `one of ${[...FORMATS.keys()].join(', ')}, or a file of a profile's keys`;
  throw new RefuteError({ code: 'E_PROFILE', place, is: `${JSON.stringify(name)} is not a profile`, allowed });
}

/**
 * @param value the name of a profile, or a YAML or JSON file with the keys of one
 * @throws RefuteError E_PROFILE, and those of files
 */
export async function readFormats(value: string, place: string): Promise<DeclaredFormats> {
  if (FORMATS.has(value) || !/[./\\]/.test(value)) return formatsNamed(value, place);
  const text = new TextDecoder().decode(await readWholeFile(DISK, value, MAX_FILE_BYTES));
  return declaredFormats(readSmallYaml(text, value, 'E_PROFILE'), value);
}

/** @throws RefuteError E_PROFILE */
export function profileNamed(name: string, place: string): NumericProfile {
  return formatsNamed(name, place).profile;
}

/**
 * @param value the name of a profile, or the keys of one that are known
 * @throws RefuteError E_PROFILE
 */
export function declaredFormats(value: unknown, place: string): DeclaredFormats {
  if (typeof value === 'string') return formatsNamed(value, place);
  const next = 'docs/check.md has the parts and their formats';
  const fail = (is: string): RefuteError => new RefuteError({ code: 'E_PROFILE', place, is, next });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw fail(`${shownValue(value)} is neither the name of a profile nor keys of one`);
  }
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(UNDECLARED, key));
  if (unknown !== undefined) throw fail(`a profile has no ${quoted(unknown)}`);
  const undeclared = INFERRED_PARTS.filter((part) => !Object.hasOwn(value, part));
  return { profile: parseProfile(value as Record<string, unknown>, fail), undeclared };
}
