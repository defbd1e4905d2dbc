// Numbers that kernels are tried on: shapes that miss every vector width, and rows that are hard to compute with. A
// recipe is small and shrinks (to fewer channels, to the plainest kind, to no special numbers); the values follow from it.
import fc from 'fast-check';
import { SeededRandom } from './random.ts';

/** Around every width that a kernel steps by (4, 8, 32, 64, 256), and one past the last. */
export const TAIL_LENGTHS: readonly number[] = [
  1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 63, 65, 127, 129, 255, 256, 257, 513, 1027,
];

const KINDS = ['bell', 'constant', 'alternating', 'cancelling', 'massive', 'ramp'] as const;

export interface ValuesRecipe {
  kind: (typeof KINDS)[number];
  /** Power of ten of the usual size. */
  exponent: number;
  seed: number;
  /** Numbers put anywhere: `at` counts modulo the length. */
  specials: { at: number; value: number }[];
}

/** Zeros of both signs, the least and the largest subnormal, the least normal. */
export const SMALL_SPECIALS: readonly number[] = [0, -0, 2 ** -149, -(2 ** -126 - 2 ** -149), 2 ** -126, 1, -1];
export const NON_FINITE: readonly number[] = [Number.NaN, Infinity, -Infinity];
export const LARGEST: readonly number[] = [(2 - 2 ** -23) * 2 ** 127, -(2 ** 127)];

/** @param exponents powers of ten, the plainest first */
export function valuesRecipe(exponents: readonly number[], specials: readonly number[]): fc.Arbitrary<ValuesRecipe> {
  return fc.record({
    kind: fc.constantFrom(...KINDS),
    exponent: fc.constantFrom(...exponents),
    seed: fc.nat(),
    specials: fc.oneof(
      { weight: 2, arbitrary: fc.constant<ValuesRecipe['specials']>([]) },
      {
        weight: 1,
        arbitrary: fc.array(fc.record({ at: fc.nat(), value: fc.constantFrom(...specials) }), { maxLength: 3 }),
      },
    ),
  });
}

export function makeValues({ kind, exponent, seed, specials }: ValuesRecipe, count: number): Float32Array {
  const random = new SeededRandom(seed);
  const size = 10 ** exponent;
  // Bell-shaped enough, and four times cheaper than SeededRandom.bell, which attention's caches feel.
  const bell = (): number => 2 * (random.unit() + random.unit() + random.unit() - 1.5);
  const level = size * bell();
  let previous = 0;
  const values = Float32Array.from({ length: count }, (_, i) => {
    switch (kind) {
      case 'bell':
        return size * bell();
      case 'constant':
        return level;
      case 'alternating':
        return i % 2 === 0 ? level : -level;
      case 'cancelling':
        // Every second number takes the one before it away, but for a few of its last bits.
        previous = i % 2 === 0 ? size * bell() : -previous * (1 + random.below(8) * 2 ** -23);
        return previous;
      case 'massive':
        return size * bell() * (i === seed % count ? 1_000 : 1);
      case 'ramp':
        return (size * (i + 1)) / count;
    }
  });
  for (const { at, value } of specials) values[at % count] = value;
  return values;
}

/** Bits that a float16 scale can have and a random one rarely has. */
export const SPECIAL_HALVES: readonly number[] = [
  0x0000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x0400, 0x3c00, 0xbc00, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00, 0xfe01,
];
