// What the CPU executor declares about its roundings: claims that tests hold it to.
import type { NumericProfile } from '../program/numeric-profile.ts';

export const CPU_PROFILE: NumericProfile & { chunkPositions: number } = {
  storage: 'f32',
  rounding: 'nearest',
  flushesSubnormals: false,
  activations: {},
  accumulator: 'f32',
  fusedMultiplyAdd: false,
  summation: { kind: 'lanes', lanes: 4, chunk: 256, positionBlock: 64 },
  batching: 'bitwise',
  chunkPositions: 64,
  kvCache: 'f32',
  attention: null,
  gelu: 'computed',
  // Measured over every f32: 0.991 (bench/exp-ulp.ts).
  expMaxUlp: 1,
  expMaxUlpPerUnit: 0,
  quotientMaxUlp: 0.5,
  // A root and a quotient, each correctly rounded.
  inverseRootMaxUlp: 1,
  // Computed in double, rounded once.
  ropeTable: { computedIn: 'f64', angleRoundings: 4, angleRoundingsPerPair: 0, sincosError: 2 ** -24 },
};
