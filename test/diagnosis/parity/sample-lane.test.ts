// Draws of declared roundings, of one op: 8-bit activations enter the product with an expert's rows as they enter any
// other, each error with a sign by chance. And the same format emulated as it is, with ties that may fall either way.
import { describe, expect, it } from 'vitest';
import { roundActivations } from '../../../src/diagnosis/reference/activations.ts';
import { arithmeticOf } from '../../../src/diagnosis/reference/arithmetic.ts';
import { Lane } from '../../../src/diagnosis/reference/lane.ts';
import { opReference } from '../../../src/diagnosis/reference/op-reference.ts';
import { SampleLane } from '../../../src/diagnosis/parity/sample-lane.ts';
import { CPU_PROFILE } from '../../../src/engine/cpu/cpu-profile.ts';
import type { NumericProfile } from '../../../src/engine/program/numeric-profile.ts';
import type { Op } from '../../../src/engine/index.ts';
import { randomFloats } from '../../cases/random-blocks.ts';
import { memoryWeights } from '../../oracles/float64/memory-weights.ts';

const [EXPERTS, ROWS, COLUMNS] = [3, 2, 32];
const op: Op = { op: 'expertMatmul', in: 'x', experts: 'ids', weight: 'w', expertCount: EXPERTS, out: 'y' };
const w = randomFloats(1, EXPERTS * ROWS * COLUMNS, 1);
const weights = memoryWeights({ w: { shape: [EXPERTS, ROWS, COLUMNS], data: w } });
const tokens = [0, 0];
const chunk = { tokens, firstPosition: 0, isLast: true, contextLength: tokens.length };
const ids = Float64Array.of(2, 0, 1, 2);

/** Of the position, or of each of its two slots. */
const inputs = [
  ['the position', Float64Array.from(randomFloats(2, tokens.length * COLUMNS, 1))],
  ['the slot', Float64Array.from(randomFloats(3, ids.length * COLUMNS, 1))],
] as const;

function product(x: Float64Array, weight: (value: number) => number = (value) => value): Float64Array {
  return Float64Array.from({ length: ids.length * ROWS }, (_, i) => {
    const [slot, row] = [Math.floor(i / ROWS), i % ROWS];
    const from = (x.length === ids.length * COLUMNS ? slot : Math.floor(slot / 2)) * COLUMNS;
    let sum = 0;
    for (let c = 0; c < COLUMNS; c += 1) {
      sum += weight(w[((ids[slot] ?? 0) * ROWS + row) * COLUMNS + c] ?? 0) * (x[from + c] ?? 0);
    }
    return sum;
  });
}

const EIGHT_BITS: NumericProfile = { ...CPU_PROFILE, activations: { f32: 'q8_0' } };

async function drawn(x: Float64Array, profile: NumericProfile, seed: number): Promise<Float64Array> {
  const lane = new SampleLane(weights, profile, seed);
  lane.set('x', x);
  lane.set('ids', ids);
  return (await lane.evaluate(op, chunk)).y;
}

const distances = (a: Float64Array, b: Float64Array): Float64Array => a.map((y, i) => Math.abs(y - (b[i] ?? NaN)));

describe.each(inputs)('experts on the input of %s', (_, x) => {
  const exact = product(x);

  it('that enters as floats are drawn exactly', async () => {
    for (const distance of distances(await drawn(x, CPU_PROFILE, 1), exact)) expect(distance).toBeLessThan(1e-14);
  });

  it('that enters in 8 bits are drawn as far off as the roundings reach, in directions of their own', async () => {
    const rounded = roundActivations(x, 'q8_0').values;
    const reach = product(distances(rounded, x), Math.abs);
    const [one, other] = [await drawn(x, EIGHT_BITS, 1), await drawn(x, EIGHT_BITS, 2)];
    for (const draw of [one, other]) {
      const off = distances(draw, exact);
      expect(Math.min(...off.map((distance, i) => (reach[i] ?? NaN) - distance))).toBeGreaterThanOrEqual(-1e-14);
      expect(Math.max(...off)).toBeGreaterThan(1e-4);
    }
    expect(one).not.toEqual(other);
  });

  it('that is declared to enter in 8 bits are judged on those, ties included', async () => {
    const arithmetic = arithmeticOf(EIGHT_BITS);
    // 127 makes the step 1, and 2.5 a tie.
    const tied = x.map((value, i) => (i === 0 ? 127 : i === 1 ? 2.5 : value));
    const captured = new Lane(weights, arithmetic);
    captured.set('x', tied);
    captured.set('ids', ids);
    const { reference, slack } = await opReference(op, chunk, { arithmetic, widths: new Map(), captured, free: [] });
    const { values, tieSteps } = roundActivations(tied, 'q8_0');
    for (const distance of distances(reference, product(values))) expect(distance).toBeLessThan(1e-12);
    const ties = product(tieSteps ?? new Float64Array(0), Math.abs);
    expect(Math.max(...ties)).toBeGreaterThan(0.1);
    for (const [i, tie] of ties.entries()) {
      expect(slack?.[i]).toBeCloseTo(tie, 12);
    }
  });
});
