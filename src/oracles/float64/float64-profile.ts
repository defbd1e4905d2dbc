// What the float64 executor declares about its roundings: double everywhere, nothing stored in less.
import type { NumericProfile } from '../../engine/program/numeric-profile.ts';

export const FLOAT64_PROFILE: NumericProfile & { chunkPositions: number } = {
  storage: 'f64',
  rounding: 'nearest',
  flushesSubnormals: false,
  activations: {},
  accumulator: 'f64',
  fusedMultiplyAdd: false,
  summation: { kind: 'sequential' },
  batching: 'bitwise',
  // More positions that go through the program together share each reading of the weights.
  chunkPositions: 512,
  kvCache: 'f64',
  attention: null,
  gelu: 'computed',
  expMaxUlp: 1,
  expMaxUlpPerUnit: 0,
  quotientMaxUlp: 0.5,
  inverseRootMaxUlp: 1,
  ropeTable: { computedIn: 'f64', angleRoundings: 4, angleRoundingsPerPair: 0, sincosError: 2 ** -53 },
};
