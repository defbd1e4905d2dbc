// The budgets against hand-made engines: float32 arithmetic written out here, in several orders, must stay within; the
// same with a small fault must not. And the pieces: magnitudes, 8-bit activations with ties, NaN, groups, bias.
import { describe, expect, it } from 'vitest';
import { arithmeticOf, gamma } from '../../../src/diagnosis/reference/arithmetic.ts';
import { multiplyRows } from '../../../src/diagnosis/reference/matmul.ts';
import { OpTally } from '../../../src/diagnosis/check/op-tally.ts';
import type { OpReference } from '../../../src/diagnosis/ops/judgement.ts';
import { productBudget } from '../../../src/diagnosis/ops/matmul.ts';
import { moeRouteJudgement } from '../../../src/diagnosis/ops/moe-route.ts';
import { moeSumJudgement } from '../../../src/diagnosis/ops/moe-sum.ts';
import { CPU_PROFILE } from '../../../src/engine/cpu/cpu-profile.ts';
import { profileText, UNDECLARED, type NumericProfile } from '../../../src/engine/program/numeric-profile.ts';
import { RandomSource, type Op, type WeightSource } from '../../../src/engine/index.ts';
import { evaluateOp } from '../../../src/oracles/float64/evaluate-op.ts';
import { memoryWeights } from '../../oracles/float64/memory-weights.ts';

const CPU = arithmeticOf(CPU_PROFILE);
const FOREIGN_F32 = arithmeticOf(UNDECLARED);
/** By the accuracy section of the WGSL specification. */
const WGSL: NumericProfile = {
  ...UNDECLARED,
  rounding: 'either-neighbour',
  expMaxUlp: 3,
  expMaxUlpPerUnit: 2,
  quotientMaxUlp: 2.5,
  inverseRootMaxUlp: 2,
  ropeTable: { computedIn: 'f32', angleRoundings: 4, angleRoundingsPerPair: 0, sincosError: 2 ** -11 },
};
const [ROWS, COLUMNS, POSITIONS] = [13, 300, 5];

function floats(count: number, seed: number): Float32Array {
  const random = new RandomSource(seed);
  return Float32Array.from({ length: count }, () => 2 * random.nextUnit() - 1);
}

const w = floats(ROWS * COLUMNS, 1);
const x = floats(POSITIONS * COLUMNS, 2);
const weights: WeightSource = memoryWeights({ w: { type: 'f32', shape: [ROWS, COLUMNS], data: w } });
const op: Op = { op: 'matmul', in: 'x', weight: 'w', out: 'y' };

/** Left to right in float32; `spoil` changes a product. */
function engine(spoil: (product: number, column: number) => number = (product) => product): Float32Array {
  return Float32Array.from({ length: POSITIONS * ROWS }, (_, i) => {
    const [p, r] = [Math.floor(i / ROWS), i % ROWS];
    let sum = 0;
    for (let c = 0; c < COLUMNS; c += 1) {
      const product = Math.fround((w[r * COLUMNS + c] ?? 0) * (x[p * COLUMNS + c] ?? 0));
      sum = Math.fround(sum + spoil(product, c));
    }
    return sum;
  });
}

async function reference(): Promise<OpReference> {
  const sets = [{ x: Float64Array.from(x), wantsMagnitude: true }];
  const [products] = await multiplyRows(weights, 'w', COLUMNS, ROWS, sets);
  const { y = new Float64Array(0), magnitude } = products ?? {};
  const sums = { length: COLUMNS, magnitude: magnitude ?? new Float64Array(0), stepMagnitude: null };
  return productBudget({ inputs: [Float64Array.from(x)], reference: y, sums, isWeightRounded: false, arithmetic: CPU });
}

function tallyOf(y: Float32Array, should: OpReference, of: Op = op, width = ROWS): ReturnType<OpTally['finish']> {
  const tally = new OpTally(of, { layer: 0, width, headDim: null, arithmetic: CPU });
  tally.add(y, should, 0);
  return tally.finish();
}

describe('the arithmetic of a profile', () => {
  it('counts the roundings of a declared order of summation, and one per term of any other', () => {
    const depthOf = (summation: NumericProfile['summation'], n: number): number[] => {
      const { rowDepth, positionDepth } = arithmeticOf({ ...CPU_PROFILE, summation });
      return [rowDepth(n), positionDepth(n)];
    };
    expect([CPU.rowDepth(1536), CPU.positionDepth(1536)]).toEqual([64 + 6 + 2, 64 + 24 + 2]);
    expect(depthOf({ kind: 'lanes', lanes: 8, chunk: 64, positionBlock: 16 }, 1539)).toEqual([
      8 + 25 + 3 + 3,
      16 + 97 + 3,
    ]);
    expect(depthOf({ kind: 'any' }, 1536)).toEqual([1536, 1536]);
    expect(depthOf({ kind: 'sequential' }, 1536)).toEqual([1536, 1536]);
    expect(arithmeticOf({ ...CPU_PROFILE, summation: { kind: 'any' } }).expectedSum(1536)).toBeGreaterThan(70);
  });

  it('gives a whole unit in the last place where the direction of rounding is open, and each type its own unit', () => {
    const { unit, angle, expUnits, quotientUnits } = arithmeticOf(WGSL);
    expect(unit).toBe(2 * CPU.unit);
    expect(angle.sincos).toBe(2 ** -11);
    // A unit in the last place is two of ours.
    expect([expUnits(-1), quotientUnits]).toEqual([10, 5]);
    expect(arithmeticOf({ ...WGSL, storage: 'f16' }).unit / unit).toBe(2 ** 13);
    expect(arithmeticOf({ ...CPU_PROFILE, storage: 'f64', accumulator: 'f64' })).toMatchObject({
      unit: 2 ** -53,
      sumUnit: 2 ** -53,
    });
  });

  it('takes a result that is too small for its relative error as flushed, or off by the smallest subnormal', () => {
    expect([CPU.tiny, FOREIGN_F32.tiny]).toEqual([2 ** -149, 2 ** -126]);
    expect(arithmeticOf({ ...CPU_PROFILE, storage: 'f16' }).tiny).toBe(2 ** -24);
  });

  it('is named in words that are made from the data', () => {
    expect(CPU.name).toBe('f32, to nearest');
    const activations = { q4_k: 'q8_k', q6_k: 'q8_k', f16: 'f16' } as const;
    expect(profileText({ ...WGSL, activations, kvCache: 'f16' })).toBe(
      'f32, to either neighbour, sums in any order, q8_k activations for q4_k and q6_k weights, f16 activations for f16 weights, f16 cache',
    );
  });

  it('bounds n roundings by γ_n, and nothing once n·u reaches 1', () => {
    expect(gamma(3, 0.1)).toBeCloseTo(0.3 / 0.7, 15);
    expect(gamma(10, 0.1)).toBe(Infinity);
  });
});

describe('the budget of a matmul', () => {
  it('is made of the product of the oracle and of the sum of magnitudes', async () => {
    const { reference: y, magnitude } = await reference();
    const values = new Map([['x', x]]);
    const oracle = await evaluateOp(op, { weights, values, tokens: [0, 0, 0, 0, 0], firstPosition: 0 });
    for (const [i, value] of oracle.entries()) {
      expect(Math.abs((y[i] ?? 0) - value)).toBeLessThan(1e-13);
      const [p, r] = [Math.floor(i / ROWS), i % ROWS];
      let sum = 0;
      for (let c = 0; c < COLUMNS; c += 1) sum += Math.abs((w[r * COLUMNS + c] ?? 0) * (x[p * COLUMNS + c] ?? 0));
      expect(magnitude?.[i]).toBeCloseTo(sum, 10);
    }
  });

  it('holds float32 from left to right, and not one product left out', async () => {
    const should = await reference();
    expect(tallyOf(engine(), should)).toMatchObject({ status: 'healthy', nonFiniteMismatches: 0 });
    expect(
      tallyOf(
        engine((product, column) => (column === 299 ? 0 : product)),
        should,
      ).status,
    ).toBe('faulty');
  });

  it('is exceeded where a budget is no number, whatever comes after it', async () => {
    const should = await reference();
    const y = engine();
    const at = y.findIndex((value, i) => value !== should.reference[i]);
    const [expected, proven] = [should.expected.slice(), should.proven.slice()];
    expected[at] = proven[at] = Number.NaN;
    expect(tallyOf(y, { ...should, expected, proven })).toMatchObject({ status: 'faulty', rhoProven: Infinity });
  });

  it('names place and condition number of the worst element', async () => {
    const y = engine();
    y[2 * ROWS + 7] = (y[2 * ROWS + 7] ?? 0) + 1;
    const { worst } = tallyOf(y, await reference());
    expect(worst).toMatchObject({ position: 2, channel: 7 });
    expect(worst?.conditionNumber).toBeGreaterThan(1);
  });

  it.each([Number.NaN, Infinity, -Infinity])('is exceeded by %s', async (value) => {
    const y = engine();
    y[3] = value;
    const found = tallyOf(y, await reference());
    expect(found).toMatchObject({ status: 'faulty', nonFiniteMismatches: 1, firstNonFinite: { channel: 3 } });
  });
});

describe('groups and bias', () => {
  const add: Op = { op: 'add', a: 'a', b: 'b', out: 'y' };
  const [width, rows] = [64, 64];
  const exact = Float64Array.from(floats(width * rows, 3), (value, i) => value + i * 2 ** -40);
  const should: OpReference = {
    reference: exact,
    expected: exact.map((y) => 2 * CPU.unit * Math.abs(y)),
    proven: exact.map((y) => 4 * CPU.unit * Math.abs(y)),
    magnitude: null,
  };

  it('are quiet where every result is rounded to nearest', () => {
    const found = tallyOf(Float32Array.from(exact), should, add, width);
    expect(found.status).toBe('healthy');
    expect(Math.abs(found.bias?.t ?? Infinity)).toBeLessThan(6);
  });

  it('show truncation as a bias of half a unit, within the budget of every element', () => {
    const truncated = Float32Array.from(exact, (value) => {
      const rounded = Math.fround(value);
      if (Math.abs(rounded) <= Math.abs(value)) return rounded;
      const bits = new Uint32Array(Float32Array.of(rounded).buffer);
      bits[0] = (bits[0] ?? 0) - 1;
      return new Float32Array(bits.buffer)[0] ?? 0;
    });
    const found = tallyOf(truncated, should, add, width);
    expect(found.rhoExpected).toBeLessThanOrEqual(1);
    expect(found).toMatchObject({ isBiased: true, status: 'suspect' });
    expect(found.bias?.meanUlp).toBeCloseTo(-0.5, 1);
  });

  it('show one block of channels that is worse than rounding, within the budget of every element', () => {
    const y = Float32Array.from(exact);
    const random = new RandomSource(9);
    for (let i = 0; i < y.length; i += 1) {
      if (i % width < 32) continue;
      const sign = random.nextUint32() % 2 === 0 ? 1 : -1;
      y[i] = Math.fround((exact[i] ?? 0) * (1 + sign * CPU.unit));
    }
    const found = tallyOf(y, should, add, width);
    expect(found.rhoExpected).toBeLessThanOrEqual(1);
    expect(found).toMatchObject({ status: 'suspect', group: { kind: 'block', index: 1 } });
  });
});

describe('the budgets of experts', () => {
  const given = { arithmetic: CPU, rowCount: 1, firstPosition: 0, isWeightRounded: false };

  it('of shares are finite however far apart the logits are', () => {
    const inputs = [Float64Array.of(1e30, 0, 1e30), Float64Array.of(0, 2)];
    const reference = Float64Array.of(0.5, 0.5);
    const op = { op: 'moeRoute', in: 'l', experts: 'e', isRenormalised: true, out: 's' } as const;
    const { proven } = moeRouteJudgement.budget(op, { ...given, inputs, reference });
    for (const budget of proven) {
      expect(budget).toBeGreaterThan(2 ** -25);
      expect(budget).toBeLessThan(2 ** -20);
    }
  });

  it('of a sum of slots hold where every product underflows', () => {
    // Each product is 0.75 of the least subnormal, which rounds up to it.
    const [x, shares] = [new Float64Array(9).fill(0.75 * 2 ** -126), new Float64Array(9).fill(2 ** -23)];
    const exact = 9 * 0.75 * 2 ** -149;
    const op = { op: 'moeSum', in: 'x', shares: 's', out: 'y' } as const;
    const { proven } = moeSumJudgement.budget(op, { ...given, inputs: [x, shares], reference: Float64Array.of(exact) });
    expect(9 * 2 ** -149 - exact).toBeLessThanOrEqual(proven[0] ?? 0);
    expect(proven[0]).toBeLessThanOrEqual(10 * 2 ** -149);
  });
});

describe('8-bit activations', () => {
  it('make several results right, and an error is what is left from the nearest', async () => {
    const should = await reference();
    const slack = should.reference.map(() => 0.5);
    const atEnds = Float32Array.from(engine(), (y, i) => y + (i % 2 === 0 ? 0.5 : -0.5));
    expect(tallyOf(atEnds, { ...should, slack }).status).toBe('healthy');
    expect(tallyOf(atEnds, should).status).toBe('faulty');
    const beyond = Float32Array.from(engine(), (y) => y + 0.51);
    expect(tallyOf(beyond, { ...should, slack }).status).toBe('faulty');
  });

  it('allow a tie one step and no more', async () => {
    const steps = new Float64Array(COLUMNS);
    steps[4] = 0.25;
    const sets = [{ x: Float64Array.from(x.subarray(0, COLUMNS)), wantsMagnitude: true, steps }];
    const [products] = await multiplyRows(weights, 'w', COLUMNS, ROWS, sets);
    for (let r = 0; r < ROWS; r += 1) {
      expect(products?.stepMagnitude?.[r]).toBeCloseTo(0.25 * Math.abs(w[r * COLUMNS + 4] ?? 0), 12);
    }
  });
});

it('an engine that declares nothing is given any order of summation and its own angles', () => {
  expect(FOREIGN_F32.rowDepth(100)).toBe(100);
  expect(FOREIGN_F32.angle.relative(3)).toBeGreaterThan(CPU.angle.relative(3));
});
