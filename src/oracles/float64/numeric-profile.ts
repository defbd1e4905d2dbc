// What the float64 executor declares about its roundings: double everywhere, nothing stored in less.
import type { NumericProfile } from '../../engine/program/executor.ts';

export const FLOAT64_PROFILE: NumericProfile = {
  activations: 'f64',
  accumulator: 'f64',
  fusedMultiplyAdd: false,
  kvCache: 'f64',
  ropeTable: 'f64',
  expMaxUlp: 1,
  summation: 'one term after the other, left to right, from +0; over positions from the first that is seen',
};
