// Rope frequencies: every way of scaling, against values worked out by hand or by the published rule. And the CPU's table.
import { describe, expect, it } from 'vitest';
import { fillRopeTable } from '../../../src/engine/program/rope-table.ts';
import { factorsWeight, ropeAmplitude, ropeFrequencies } from '../../../src/engine/program/rope-frequencies.ts';
import type { RopeScaling } from '../../../src/engine/program/program.ts';

const frequencies = (scaling: RopeScaling, factors: Float32Array | null = null, contextLength = 1): number[] => [
  ...ropeFrequencies({ theta: 10_000, rotaryDim: 8, pairing: 'norm', scaling }, factors, contextLength),
];

describe('rope frequencies', () => {
  it('fall from 1 by equal ratios', () => {
    expect(frequencies({ type: 'none' })).toEqual([1, 0.1, 0.01, expect.closeTo(0.001, 15)]);
  });

  it('are divided by a linear factor', () => {
    expect(frequencies({ type: 'linear', factor: 4 })).toEqual(frequencies({ type: 'none' }).map((f) => f / 4));
  });

  it('are divided by the factors of a weight, pair by pair', () => {
    const scaled = frequencies({ type: 'factors', weight: 'rope_freqs.weight' }, Float32Array.of(1, 2, 4, 8));
    expect(scaled).toEqual(frequencies({ type: 'none' }).map((f, i) => f / 2 ** i));
  });

  it('follow the llama3 rule: high ones stay, low ones shrink, those between are blended', () => {
    // Turns in the original context: 8192·f/2π = 1304, 130, 13.04, 1.304.
    const [a, b, c, d] = frequencies({
      type: 'llama3',
      factor: 8,
      lowFreqFactor: 1.5,
      highFreqFactor: 20,
      originalContextLength: 8192,
    });
    expect([a, b]).toEqual([1, 0.1]);
    const blend = ((8192 * 0.01) / (2 * Math.PI) - 1.5) / (20 - 1.5);
    expect(c).toBeCloseTo((1 - blend) * (0.01 / 8) + blend * 0.01, 15);
    expect(d).toBeCloseTo(0.001 / 8, 15);
  });

  it('have no pairs between where the two ends are the wrong way round: the slow ones are divided', () => {
    const swapped = { type: 'llama3', factor: 8, lowFreqFactor: 20, highFreqFactor: 1.5 } as const;
    const scaled = frequencies({ ...swapped, originalContextLength: 8192 });
    expect(scaled).toEqual([1, 0.1, expect.closeTo(0.01 / 8, 15), expect.closeTo(0.001 / 8, 15)]);
  });
});

describe('yarn', () => {
  const yarn = { type: 'yarn', factor: 4, betaFast: 32, betaSlow: 1, isTruncated: true, attentionFactor: 1 } as const;
  const plain = frequencies({ type: 'none' });

  it('keeps fast pairs, divides slow ones, and ramps between whole pairs', () => {
    // Pair with n turns over 2048: 4·ln(2048/2πn)/ln 10^4 = 1.01 for 32, 2.51 for 1: the ramp is from 1 to 3.
    const scaled = frequencies({ ...yarn, originalContextLength: 2048 });
    expect(scaled).toEqual([1, 0.1, expect.closeTo(0.01 * (0.5 + 0.5 / 4), 15), expect.closeTo(0.001 / 4, 15)]);
  });

  it('ramps between the pairs that turn so often where they are not made whole', () => {
    const [low, high] = [32, 1].map((turns) => (4 * Math.log(2048 / (2 * Math.PI * turns))) / Math.log(10_000));
    const share = (2 - (low ?? 0)) / ((high ?? 0) - (low ?? 0));
    const scaled = frequencies({ ...yarn, isTruncated: false, originalContextLength: 2048 });
    expect(scaled[1]).toBe(0.1);
    expect(scaled[2]).toBeCloseTo(0.01 * (1 - share + share / 4), 15);
  });

  it('divides no pair where the slow end lies before the first one, as Transformers has it', () => {
    expect(frequencies({ ...yarn, betaSlow: 10, originalContextLength: 1 })).toEqual(plain);
  });

  it('is a step where both ends are one pair', () => {
    // Pair with 1 turn over 20: 0.50; both ends are made 0 and 1, or, from above, held at 0.
    const scaled = frequencies({ ...yarn, betaSlow: 3.5, originalContextLength: 20 });
    expect(scaled).toEqual([1, ...plain.slice(1).map((f) => expect.closeTo(f / 4, 15) as number)]);
  });
});

describe('scalings that go by the length of the session', () => {
  const plain = frequencies({ type: 'none' });
  const longrope = {
    type: 'longrope',
    short: [1, 1, 2, 2],
    long: [1, 2, 4, 8],
    originalContextLength: 8,
    attentionFactor: 1,
  } as const;

  it('take the long factors beyond the original context, and the short ones up to it', () => {
    expect(frequencies(longrope, null, 8)).toEqual(plain.map((f, i) => f / (longrope.short[i] ?? 0)));
    expect(frequencies(longrope, null, 9)).toEqual(plain.map((f, i) => f / (longrope.long[i] ?? 0)));
  });

  it('name the weight that holds the factors', () => {
    const stored = { ...longrope, short: 'short', long: 'long' };
    expect([factorsWeight(stored, 8), factorsWeight(stored, 9)]).toEqual(['short', 'long']);
    expect(factorsWeight(longrope, 9)).toBeNull();
    expect(factorsWeight({ type: 'factors', weight: 'f' }, 9)).toBe('f');
    expect(frequencies(stored, Float32Array.of(1, 2, 4, 8), 9)).toEqual(frequencies(longrope, null, 9));
  });

  it('grow theta beyond the original context', () => {
    const dynamic = { type: 'dynamic', factor: 2, originalContextLength: 8 } as const;
    expect(frequencies(dynamic, null, 8)).toEqual(plain);
    // (2 · 12 / 8 − 1)^(8/6) = 2^(4/3) times theta: pair 3 turns 2^(−4/3 · 6/8) = 1/2 as far.
    const grown = frequencies(dynamic, null, 12);
    expect(grown).toEqual(
      [1, 2 ** (-1 / 3), 2 ** (-2 / 3), 1 / 2].map((by, i) => expect.closeTo((plain[i] ?? 0) * by, 15) as number),
    );
  });
});

describe('the rope table', () => {
  it('is multiplied by the attention factor, position 0 too, before it is rounded', () => {
    const table = new Float32Array(2);
    fillRopeTable(table, Float64Array.of(1), 0, 1.1);
    expect([...table]).toEqual([Math.fround(1.1), 0]);
    const scaling = {
      type: 'longrope',
      short: [1],
      long: [1],
      originalContextLength: 8,
      attentionFactor: 1.5,
    } as const;
    const of = (scaling: RopeScaling): number =>
      ropeAmplitude({ theta: 10_000, rotaryDim: 2, pairing: 'norm', scaling });
    expect([of(scaling), of({ type: 'none' })]).toEqual([1.5, 1]);
  });

  it('holds cosines, then sines, of each position, each rounded once from double', () => {
    const table = new Float32Array(3 * 2 * 2);
    fillRopeTable(table, Float64Array.of(1, 0.25), 131_070, 1);
    const row = (p: number): number[] => [Math.cos(p), Math.cos(p / 4), Math.sin(p), Math.sin(p / 4)];
    expect(table).toEqual(Float32Array.from([131_070, 131_071, 131_072].flatMap(row)));
  });
});
