// One op of the float64 executor evaluated by itself, and its distance from the same formula in integers.
import { expect } from 'vitest';
import type { AttentionOp, Op, ValueId } from '../../../src/engine/program/program.ts';
import { evaluateOp, type OpInputs } from '../../../src/oracles/float64/evaluate-op.ts';
import { randomFloats } from '../../cases/random-blocks.ts';
import { approximately, excess, type Fixed } from './fixed-point.ts';
import { memoryWeights, type MemoryWeight } from './memory-weights.ts';

/** Half the gap above 1: what one rounding to double may do, relatively. */
export const U: number = 2 ** -53;

/** With one head of one channel. */
export const ATTENTION: AttentionOp = {
  op: 'attention',
  q: 'q',
  k: 'k',
  v: 'v',
  out: 'y',
  layer: 0,
  headCount: 1,
  kvHeadCount: 1,
  headDim: 1,
  scale: 1,
  window: null,
};

/** Doubles with all their bits in use. */
export function randomDoubles(seed: number, count: number, deviation = 1): Float64Array {
  const low = randomFloats(seed + 1_000, count, deviation * 2 ** -25);
  return Float64Array.from(randomFloats(seed, count, deviation), (value, i) => value + (low[i] ?? 0));
}

export interface Given {
  values?: Record<ValueId, Float64Array | Float32Array | readonly number[]>;
  weights?: Record<string, MemoryWeight>;
  rows?: number;
  tokens?: number[];
  firstPosition?: number;
  contextLength?: number;
  cache?: OpInputs['cache'];
}

export function evaluate(
  op: Op,
  { values = {}, weights = {}, rows = 1, tokens, firstPosition = 0, contextLength, cache }: Given,
): Promise<Float64Array> {
  const given = Object.entries(values).map(
    ([id, data]) => [id, ArrayBuffer.isView(data) ? data : Float64Array.from(data)] as const,
  );
  return evaluateOp(op, {
    weights: memoryWeights(weights),
    values: new Map(given),
    tokens: tokens ?? Array.from({ length: rows }, () => 0),
    firstPosition,
    ...(contextLength === undefined ? {} : { contextLength }),
    ...(cache === undefined ? {} : { cache }),
  });
}

/** The largest |actual − exact| / allowed. */
export function worst(actual: Float64Array, exact: readonly Fixed[], allowed: (i: number) => number): number {
  expect(actual.length).toBe(exact.length);
  return exact.reduce((most, value, i) => Math.max(most, excess(actual[i] ?? Number.NaN, value, allowed(i))), 0);
}

export function magnitude(a: Fixed): number {
  return Math.abs(approximately(a));
}
