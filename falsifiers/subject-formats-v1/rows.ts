// Rows that are hard to round: ordinary, huge, tiny, cancelling, constant (zeros among them), one that is far larger, and
// numbers in the middle of two that the format has.
import fc from 'fast-check';
import { makeValues, SMALL_SPECIALS, valuesRecipe, type ValuesRecipe } from '../kit/arbitraries/kernel-values.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';

const EXPONENTS = [0, -4, 3, -22, -38, -50, 7, 18, 30];

export interface RowShape {
  /** A row has one to three times this. */
  elements: number;
  specials: readonly number[];
  middles: (random: SeededRandom, count: number) => Float32Array;
}

interface RowRecipe {
  size: number;
  values: ValuesRecipe;
  /** Of a row of middles; null: of values. */
  middles: number | null;
}

export function rowsOf({ elements, specials, middles }: RowShape): fc.Arbitrary<Float32Array> {
  const recipe: fc.Arbitrary<RowRecipe> = fc.record({
    size: fc.integer({ min: 1, max: 3 }),
    values: valuesRecipe(EXPONENTS, [...SMALL_SPECIALS, ...specials]),
    middles: fc.option(fc.nat(), { freq: 2 }),
  });
  return recipe.map(({ size, values, middles: seed }) => {
    const count = size * elements;
    return seed === null ? makeValues(values, count) : middles(new SeededRandom(seed), count);
  });
}

/** Of a format of 8 bits: one extreme somewhere in each block, the others an odd number of half steps. */
export function halfSteps(blockElements: number): RowShape['middles'] {
  return (random, count) => {
    const row = new Float32Array(count);
    for (let first = 0; first < count; first += blockElements) {
      const size = 2 ** (random.below(40) - 20);
      // Of the plain ones every step is a power of two, and the middles are exact.
      const extreme = random.below(2) === 0 ? 127 * size : size * (1 + random.unit());
      for (let i = first; i < first + blockElements; i += 1) row[i] = (extreme * (random.below(254) - 126.5)) / 127;
      row[first + random.below(blockElements)] = random.below(2) === 0 ? extreme : -extreme;
    }
    return row;
  };
}

/** Of a float of so many bits: the middle of two neighbours, subnormals among them. */
export function halfUnits(bits: number, leastExponent: number): RowShape['middles'] {
  return (random, count) =>
    Float32Array.from({ length: count }, () => {
      const significand = (random.below(4) === 0 ? 0 : 2 ** (bits - 1)) + random.below(2 ** (bits - 1)) + 0.5;
      const exponent = leastExponent + (random.below(3) === 0 ? 0 : random.below(30));
      return (random.below(2) === 0 ? 1 : -1) * significand * 2 ** (exponent - bits + 1);
    });
}
