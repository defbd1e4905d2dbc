// What the WebGPU executor declares about its roundings: what the language permits a driver to do, which is more than any
// one does. Held by the local check.
import type { NumericProfile } from '../engine/program/numeric-profile.ts';

export const WEBGPU_PROFILE: NumericProfile & { chunkPositions: number } = {
  storage: 'f32',
  rounding: 'either-neighbour',
  flushesSubnormals: true,
  activations: {},
  accumulator: 'f32',
  fusedMultiplyAdd: true,
  // A driver may regroup a sum within an expression.
  summation: { kind: 'any' },
  batching: 'per-shape',
  chunkPositions: 64,
  kvCache: 'f32',
  attention: null,
  gelu: 'computed',
  // WGSL: 3 + 2 |x| units in the last place; 2.5 for a quotient, 2 for inverseSqrt.
  expMaxUlp: 3,
  expMaxUlpPerUnit: 2,
  quotientMaxUlp: 2.5,
  inverseRootMaxUlp: 2,
  // The host's table, computed in double and rounded once.
  ropeTable: { computedIn: 'f64', angleRoundings: 4, angleRoundingsPerPair: 0, sincosError: 2 ** -24 },
};
