// What the CPU executor declares about its roundings. Error budgets and the emulated run are built on these words, so
// they are claims that tests hold it to.
import type { NumericProfile } from '../program/executor.ts';

export const CPU_PROFILE: NumericProfile = {
  activations: 'f32',
  accumulator: 'f32',
  fusedMultiplyAdd: false,
  kvCache: 'f32',
  ropeTable: 'f64-rounded-to-f32',
  // Measured over every f32: 0.991 (bench/exp-ulp.ts).
  expMaxUlp: 1,
  summation:
    'along a row of n columns: the first n - n mod 4 columns in chunks of 256; in a chunk, lane l of 4 adds the products ' +
    'of the columns c with c mod 4 = l, left to right, from +0; the lanes of the chunks are added left to right, from +0; ' +
    'total = (lane 0 + lane 2) + (lane 1 + lane 3); where n mod 4 > 0, the last products are added left to right, from ' +
    '+0, and their sum is added to the total. Over positions (attention): blocks of 64 counted from the first visible ' +
    'position, each left to right from +0, blocks left to right from +0; the sum of e^ has 4 lanes as above',
};
