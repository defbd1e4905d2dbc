// A numeric profile out of a manifest. Budgets are computed from it, so every figure is checked; a key that is missing
// is not declared. Not a judge of whether the profile is true.
import type { RefuteError } from '../../errors.ts';
import { shownValue } from '../formats/quoted.ts';
import { TENSOR_TYPES } from '../formats/tensor-types.ts';
import { UNDECLARED, type NumericProfile } from '../program/numeric-profile.ts';

type Test = (value: unknown) => boolean;

const oneOf =
  (...words: readonly string[]): Test =>
  (value) =>
    typeof value === 'string' && words.includes(value);
const isType = oneOf('f16', 'bf16', 'f32', 'f64');
const isFormat = oneOf('f16', 'bf16', 'q8_0', 'q8_1', 'q8_k');
const isCache = oneOf('f16', 'bf16', 'f32', 'f64', 'q8_0');
const isFlag: Test = (value) => typeof value === 'boolean';
const isAmount: Test = (value) => typeof value === 'number' && value >= 0 && value < Infinity;
const isCount: Test = (value) => Number.isSafeInteger(value) && Number(value) > 0;
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const TESTS: Readonly<Record<keyof NumericProfile, Test>> = {
  storage: isType,
  rounding: oneOf('nearest', 'either-neighbour'),
  flushesSubnormals: isFlag,
  activations: (value) =>
    isRecord(value) && Object.entries(value).every(([type, of]) => Object.hasOwn(TENSOR_TYPES, type) && isFormat(of)),
  accumulator: isType,
  fusedMultiplyAdd: isFlag,
  summation: (value) =>
    isRecord(value) &&
    (oneOf('any', 'sequential')(value['kind']) ||
      (value['kind'] === 'lanes' && [value['lanes'], value['chunk'], value['positionBlock']].every(isCount))),
  batching: oneOf('bitwise', 'per-shape'),
  chunkPositions: (value) => value === null || isCount(value),
  kvCache: isCache,
  attention: (value) =>
    value === null ||
    (isRecord(value) &&
      isCache(value['queries']) &&
      [value['scores'], value['probabilities'], value['accumulator']].every(isType) &&
      oneOf('first', 'last')(value['divides']) &&
      (value['scales'] === undefined || value['scales'] === 'queries') &&
      (value['parts'] === undefined || isCount(value['parts'])) &&
      (value['isTurned'] === undefined || value['isTurned'] === true) &&
      (value['expMaxUlp'] === undefined || isAmount(value['expMaxUlp']))),
  gelu: oneOf('computed', 'tanh', 'f16-table'),
  expMaxUlp: isAmount,
  expMaxUlpPerUnit: isAmount,
  quotientMaxUlp: isAmount,
  inverseRootMaxUlp: isAmount,
  ropeTable: (value) =>
    isRecord(value) &&
    oneOf('f32', 'f64')(value['computedIn']) &&
    [value['angleRoundings'], value['angleRoundingsPerPair'], value['sincosError']].every(isAmount),
};

/** Older captures have sentences here: nothing is computed from those. */
const ONCE_WORDS: ReadonlySet<string> = new Set(['activations', 'summation', 'ropeTable']);

export function parseProfile(json: Record<string, unknown>, fail: (is: string) => RefuteError): NumericProfile {
  const declared = Object.entries(TESTS).flatMap(([key, fits]) => {
    const value = json[key];
    if (value === undefined || (ONCE_WORDS.has(key) && typeof value === 'string')) return [];
    if (!fits(value)) throw fail(`profile.${key} is ${shownValue(value)}`);
    return [[key, value] as const];
  });
  return { ...UNDECLARED, ...Object.fromEntries(declared) };
}
