// Products with activations of 8 bits, against an engine that keeps minimums and sums of blocks apart, in double.
import { describe, expect, it } from 'vitest';
import { Q8_1_BUILDS } from '../../../falsifiers/kit/references/plain-roundings.ts';
import { roundActivations } from '../../../src/diagnosis/reference/activations.ts';
import { expertSums, multiplyRows, type RowSet } from '../../../src/diagnosis/reference/matmul.ts';
import { readMinimums } from '../../../src/oracles/float64/block-minimums.ts';
import { readRows } from '../../../src/oracles/float64/weights.ts';
import { randomBlocks, randomFloats } from '../../cases/random-blocks.ts';
import { memoryWeights } from '../../oracles/float64/memory-weights.ts';

const [ROWS, COLUMNS, POSITIONS] = [6, 64, 5];
const BLOCK = 32;
const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

describe.each(['q4_1', 'q5_1'] as const)('%s by q8_1', (type) => {
  const data = randomBlocks(type, ROWS * COLUMNS, 3);
  const weights = memoryWeights({ w: { shape: [ROWS, COLUMNS], type, data } });
  const x = randomFloats(5, POSITIONS * COLUMNS, 2);
  // One tie, of a step that is 1: it has two sums too.
  x[0] = 127;
  x[1] = 2.5;
  const { values, tieSteps, sums } = roundActivations(Float64Array.from(x), 'q8_1');
  const set: RowSet = { x: values, steps: tieSteps, isInteger: true, sums, wantsMagnitude: true };

  /** Σ (w − m)·v + Σ m·s of what a build of ggml stores, and the same in magnitudes. */
  async function engine(build: number): Promise<{ y: Float64Array; magnitude: Float64Array }> {
    const stored = Q8_1_BUILDS[build]?.(x);
    const w = await readRows(weights, 'w', COLUMNS, 0, ROWS);
    const minimums = (await readMinimums(weights, 'w', COLUMNS, 0, ROWS))?.values ?? new Float64Array(0);
    const termsOf = (p: number, r: number): number[] => [
      ...Array.from({ length: COLUMNS }, (_, c) => {
        const minimum = minimums[Math.floor((r * COLUMNS + c) / BLOCK)] ?? Number.NaN;
        return ((w[r * COLUMNS + c] ?? 0) - minimum) * (stored?.values[p * COLUMNS + c] ?? Number.NaN);
      }),
      ...Array.from({ length: COLUMNS / BLOCK }, (_, b) => {
        const blocks = COLUMNS / BLOCK;
        return (minimums[r * blocks + b] ?? Number.NaN) * (stored?.sums?.[p * blocks + b] ?? Number.NaN);
      }),
    ];
    const of = (combine: (terms: number[]) => number): Float64Array =>
      Float64Array.from({ length: POSITIONS * ROWS }, (_, i) => combine(termsOf(Math.floor(i / ROWS), i % ROWS)));
    return { y: of(sum), magnitude: of((terms) => sum(terms.map(Math.abs))) };
  }

  it('is what either build of ggml makes of it, ties aside', async () => {
    const [products] = await multiplyRows(weights, 'w', COLUMNS, ROWS, [set]);
    for (const build of [0, 1]) {
      const { y, magnitude } = await engine(build);
      for (const [i, theirs] of y.entries()) {
        const allowed = (products?.stepMagnitude?.[i] ?? 0) + 1e-12 * (magnitude[i] ?? 0);
        expect(Math.abs(theirs - (products?.y[i] ?? Number.NaN))).toBeLessThanOrEqual(allowed);
      }
    }
    // The tie is in the first position alone.
    expect(products?.stepMagnitude?.subarray(0, ROWS).every((step) => step > 0)).toBe(true);
    expect(products?.stepMagnitude?.subarray(ROWS).every((step) => step === 0)).toBe(true);
  });

  it('is far from that where the sums are left out', async () => {
    const [products] = await multiplyRows(weights, 'w', COLUMNS, ROWS, [{ ...set, sums: null }]);
    const { y, magnitude } = await engine(0);
    const off = Array.from(y, (theirs, i) => Math.abs(theirs - (products?.y[i] ?? 0)) / (magnitude[i] ?? 1));
    expect(Math.max(...off.slice(ROWS))).toBeGreaterThan(100 * 2 ** -24);
  });

  it('has the magnitudes of its terms: those of minimums are their own', async () => {
    const [split, whole] = await multiplyRows(weights, 'w', COLUMNS, ROWS, [set, { x: values, wantsMagnitude: true }]);
    const { magnitude } = await engine(0);
    // Beside the position that has a tie.
    const ratios = (of: Float64Array | null | undefined): number[] =>
      Array.from(magnitude, (theirs, i) => Math.abs((of?.[i] ?? Number.NaN) / theirs - 1)).slice(ROWS);
    expect(Math.max(...ratios(split?.magnitude))).toBeLessThan(1e-3);
    expect(Math.max(...ratios(whole?.magnitude))).toBeGreaterThan(0.05);
  });

  it('is the same by the rows of experts', async () => {
    const stacked = memoryWeights({ e: { shape: [2, ROWS / 2, COLUMNS], type, data } });
    const op = { op: 'expertMatmul', in: 'x', experts: 'ids', weight: 'e', expertCount: 2, out: 'y' } as const;
    const experts = Float64Array.from({ length: 2 * POSITIONS }, (_, slot) => (slot + 1) % 2);
    const input = { x: values, steps: tieSteps, isInteger: true, sums, experts };
    const found = await expertSums(op, input, POSITIONS * ROWS, POSITIONS, stacked);
    const [products] = await multiplyRows(weights, 'w', COLUMNS, ROWS, [set]);
    const swapped = (of: Float64Array | null | undefined): number[] =>
      Array.from({ length: POSITIONS * ROWS }, (_, i) => {
        const [p, r] = [Math.floor(i / ROWS), i % ROWS];
        return of?.[p * ROWS + ((r + ROWS / 2) % ROWS)] ?? Number.NaN;
      });
    for (const key of ['y', 'magnitude', 'stepMagnitude'] as const) {
      const should = swapped(products?.[key]);
      for (const [i, value] of (found[key] ?? []).entries()) expect(value).toBeCloseTo(should[i] ?? Number.NaN, 10);
    }
  });
});

describe('products with their magnitudes', () => {
  // Four positions and two rows go together; what is left over goes alone.
  it.each([
    [1, 1, 5],
    [3, 2, 4],
    [4, 3, 7],
    [5, 1, 1],
    [9, 5, 33],
  ])('of %i positions, %i rows and %i columns are those without, to the bit', async (positionCount, rows, columns) => {
    const of = (count: number, seed: number): Float32Array =>
      Float32Array.from({ length: count }, (_, i) => Math.sin(seed + 7 * i) * 2 ** ((i * 5) % 9));
    const [w, x] = [of(rows * columns, 1), Float64Array.from(of(positionCount * columns, 2))];
    const source = memoryWeights({ w: { shape: [rows, columns], data: w } });
    const [both, plain] = await multiplyRows(source, 'w', columns, rows, [{ x, wantsMagnitude: true }, { x }]);
    expect(both?.y).toHaveLength(positionCount * rows);
    expect(both?.y).toEqual(plain?.y);
    for (const [i, magnitude] of (both?.magnitude ?? []).entries()) {
      const [p, r] = [Math.floor(i / rows), i % rows];
      let sizes = 0;
      for (let c = 0; c < columns; c += 1) sizes += Math.abs((w[r * columns + c] ?? 0) * (x[p * columns + c] ?? 0));
      expect(Math.abs(magnitude / sizes - 1)).toBeLessThanOrEqual(columns * 2 ** -52);
    }
    expect(both?.magnitude).toHaveLength(positionCount * rows);
  });
});
