// What builds of ggml make of activations, written plainly: one float32 step after the other, as the C source has them.
// The kinds of builds differ in how they take the quotient and round it. Nothing of the product is in here.

/** A row as it is stored, read back: exact. */
export interface StoredRow {
  values: Float64Array;
  /** Of formats with a sum beside each block. */
  sums: Float64Array | null;
}

export type Build = (x: Float32Array) => StoredRow;

interface StoredBlock {
  step: number;
  integers: number[];
  sum?: number;
}

const { fround, f16round } = Math;

/** Without vector instructions: times 1/d, halves away from zero. With AVX: times 127/amax, halves to even. */
export const Q8_0_BUILDS: readonly Build[] = [
  inBlocks(32, (block) => eightBits(block, (_, step) => [step === 0 ? 0 : fround(1 / step), toNearestAway])),
  inBlocks(32, (block) => eightBits(block, (extreme) => [extreme === 0 ? 0 : fround(127 / extreme), toNearestEven])),
];

export const Q8_1_BUILDS: readonly Build[] = [
  inBlocks(32, (block) => withSum(block, (_, step) => [step === 0 ? 0 : fround(1 / step), toNearestAway])),
  inBlocks(32, (block) => withSum(block, (extreme) => [extreme === 0 ? 0 : fround(127 / extreme), toNearestEven])),
];

/** Product and addition rounded one after the other, or fused. */
export const Q8_K_BUILDS: readonly Build[] = [
  inBlocks(256, (block) => bySignedExtreme(block, (product) => toNearestEven(fround(product)))),
  inBlocks(256, (block) => bySignedExtreme(block, toNearestEven)),
];

export const F16_BUILDS: readonly Build[] = [(x) => toFloat(x, { bits: 11, leastExponent: -14, largest: 65_504 })];
export const BF16_BUILDS: readonly Build[] = [
  (x) => toFloat(x, { bits: 8, leastExponent: -126, largest: (2 - 2 ** -7) * 2 ** 127 }),
];

type QuotientOf = (extreme: number, step: number) => [inverse: number, round: (quotient: number) => number];

function eightBits(block: Float32Array, quotientOf: QuotientOf): StoredBlock & { full: number } {
  const extreme = Math.abs(extremeOf(block));
  const full = fround(extreme / 127);
  const [inverse, round] = quotientOf(extreme, full);
  return { step: f16round(full), integers: Array.from(block, (value) => round(fround(value * inverse))), full };
}

function withSum(block: Float32Array, quotientOf: QuotientOf): StoredBlock {
  const { full, ...stored } = eightBits(block, quotientOf);
  const total = stored.integers.reduce((sum, integer) => sum + integer, 0);
  // Integers without a meaning come with a step that makes every sum of theirs 0.
  return { ...stored, sum: Number.isFinite(total) ? f16round(fround(full * total)) : 0 };
}

function bySignedExtreme(block: Float32Array, round: (product: number) => number): StoredBlock {
  const extreme = extremeOf(block);
  const inverse = fround(-127 / extreme);
  // An infinite inverse gives integers of no meaning, times a step of 0.
  if (!Number.isFinite(inverse)) return { step: 0, integers: Array.from(block, () => 0) };
  return { step: fround(1 / inverse), integers: Array.from(block, (value) => Math.min(127, round(inverse * value))) };
}

/** The first of the largest magnitude, with its sign. */
function extremeOf(block: Float32Array): number {
  return block.reduce((extreme, value) => (Math.abs(value) > Math.abs(extreme) ? value : extreme), 0);
}

function inBlocks(size: number, store: (block: Float32Array) => StoredBlock): Build {
  return (x) => {
    const values = new Float64Array(x.length);
    const sums: number[] = [];
    for (let first = 0; first < x.length; first += size) {
      const { step, integers, sum } = store(x.subarray(first, first + size));
      // Where the step is 0 an integer may be infinite.
      values.set(step === 0 ? integers.map(() => 0) : integers.map((integer) => step * integer), first);
      if (sum !== undefined) sums.push(sum);
    }
    return { values, sums: sums.length === 0 ? null : Float64Array.from(sums) };
  };
}

interface FloatShape {
  /** Of the significand, the hidden one included. */
  bits: number;
  leastExponent: number;
  largest: number;
}

function toFloat(x: Float32Array, { bits, leastExponent, largest }: FloatShape): StoredRow {
  const values = Float64Array.from(x, (value) => {
    if (value === 0 || !Number.isFinite(value)) return value;
    let exponent = leastExponent;
    while (Math.abs(value) >= 2 ** (exponent + 1)) exponent += 1;
    const unit = 2 ** (exponent - bits + 1);
    const rounded = unit * toNearestEven(value / unit);
    return Math.abs(rounded) > largest ? Math.sign(value) * Infinity : rounded;
  });
  return { values, sums: null };
}

function toNearestEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

function toNearestAway(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}
