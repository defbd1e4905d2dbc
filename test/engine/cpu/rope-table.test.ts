// Rope frequencies: the four ways of scaling, against values worked out by hand or by the published rule.
import { describe, expect, it } from 'vitest';
import { fillRopeTable, ropeFrequencies } from '../../../src/engine/cpu/rope-table.ts';
import type { RopeScaling } from '../../../src/engine/program/program.ts';

const frequencies = (scaling: RopeScaling, factors: Float32Array | null = null): number[] => [
  ...ropeFrequencies({ theta: 10_000, rotaryDim: 8, pairing: 'norm', scaling }, factors),
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
});

describe('the rope table', () => {
  it('holds cosines, then sines, of each position, each rounded once from double', () => {
    const table = new Float32Array(3 * 2 * 2);
    fillRopeTable(table, Float64Array.of(1, 0.25), 131_070);
    const row = (p: number): number[] => [Math.cos(p), Math.cos(p / 4), Math.sin(p), Math.sin(p / 4)];
    expect(table).toEqual(Float32Array.from([131_070, 131_071, 131_072].flatMap(row)));
  });
});
