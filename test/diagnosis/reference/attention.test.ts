// Attention as formats make it: without one the numbers of before, with one what the roundings leave open, also of inputs
// that are off. Engines of every format, written plainly and in ggml: falsifiers/subject-attention-v1.ts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attentionBudget } from '../../../src/diagnosis/ops/attention.ts';
import { roundActivations } from '../../../src/diagnosis/reference/activations.ts';
import { attentionFormats } from '../../../src/diagnosis/reference/attention-formats.ts';
import { attentionReference } from '../../../src/diagnosis/reference/attention.ts';
import { arithmeticOf, type Arithmetic } from '../../../src/diagnosis/reference/arithmetic.ts';
import { roundingTo } from '../../../src/diagnosis/reference/round-to-half.ts';
import { turned, turnedBlocks } from '../../../src/diagnosis/reference/turned-heads.ts';
import { attentionText, UNDECLARED, type NumericProfile } from '../../../src/engine/program/numeric-profile.ts';
import { RandomSource, type Op } from '../../../src/engine/index.ts';
import { attention } from '../../../src/oracles/float64/ops/attention.ts';

type AttentionOp = Extract<Op, { op: 'attention' }>;

const HEADS = { headCount: 4, kvHeadCount: 2, headDim: 64 };
const NAMES = { op: 'attention', q: 'q', k: 'k', v: 'v', out: 'y', layer: 0 } as const;
const op: AttentionOp = { ...NAMES, ...HEADS, scale: 0.11, window: null };
const [ROWS, POSITIONS] = [2, 9];
const NONE = new Float64Array(0);
const ONE_PIECE = { rowCount: ROWS, positionCount: POSITIONS };

function arithmeticWith(formats: Partial<NumericProfile>): Arithmetic {
  return arithmeticOf({ ...UNDECLARED, ...formats });
}

function floats(count: number, seed: number): Float64Array {
  const random = new RandomSource(seed);
  return Float64Array.from({ length: count }, () => Math.fround(4 * random.nextUnit() - 2));
}

function rows(seed: number): [q: Float64Array, k: Float64Array, v: Float64Array] {
  const { headCount, kvHeadCount, headDim } = HEADS;
  const [ofQueries, ofCache] = [ROWS * headCount * headDim, POSITIONS * kvHeadCount * headDim];
  return [floats(ofQueries, seed), floats(ofCache, seed + 1), floats(ofCache, seed + 2)];
}

it('without a format it is the formula with its budget, number by number', () => {
  const arithmetic = arithmeticWith({});
  const [q, k, v] = rows(1);
  const should = attentionReference(op, { written: [q, k, v], arithmetic });
  const reference = attention(op, q, k, v);
  expect(should).toEqual({
    ...attentionBudget(op, q, { keys: k, values: v }, reference, arithmetic),
    slack: null,
  });
});

describe('formats that engines are known to have', () => {
  it.each(['f32', 'f16', 'bf16'] as const)('have a name of their own, and a reference of their own: %s', (storage) => {
    const [q, k, v] = rows(2).map((x) => (storage === 'f32' ? x : roundActivations(x, storage).values));
    const known = attentionFormats(storage, ONE_PIECE);
    const texts = known.map(({ kvCache, attention: format }) =>
      format === null ? kvCache : `${kvCache} ${attentionText(format, storage)}`,
    );
    expect(new Set(texts).size).toBe(known.length);
    const results = known.map((formats) => {
      const arithmetic = arithmeticWith({ storage, flushesSubnormals: false, ...formats });
      const written = [q ?? NONE, k ?? NONE, v ?? NONE] as const;
      return attentionReference(op, { written, arithmetic }).reference.join();
    });
    // Of halves the last rounds nothing within, and fast powers have the same middle.
    expect(new Set(results).size).toBeGreaterThanOrEqual(storage === 'f32' ? known.length : 3);
  });

  it('leave open what a tie makes of a query, and nothing where there is none', () => {
    const arithmetic = arithmeticWith({
      kvCache: 'q8_0',
      attention: attentionFormats('f32', ONE_PIECE).at(-1)?.attention ?? null,
    });
    // Every block has a step of 1.
    const [q = NONE, k = NONE, v = NONE] = rows(3).map((x) => x.map((_, i) => (i % 32 === 0 ? 127 : i % 100)));
    const open = (): number => {
      const { slack } = attentionReference(op, { written: [q, k, v], arithmetic });
      return slack?.filter((distance) => distance > 0).length ?? 0;
    };
    expect(open()).toBe(0);
    q[5] = 2.5;
    expect(open()).toBeGreaterThan(0);
    expect(open()).toBeLessThanOrEqual(HEADS.headDim);
  });
});

it('inputs that are off move a result no further than its budget and what is open', () => {
  const known = attentionFormats('f32', ONE_PIECE);
  const open = { seed: fc.nat(2 ** 30), size: fc.constantFrom(1e-7, 1e-4, 1e-2), format: fc.constantFrom(...known) };
  fc.assert(
    fc.property(fc.record(open), ({ seed, size, format }) => {
      const arithmetic = arithmeticWith(format);
      const written = rows(seed);
      const random = new RandomSource(seed + 3);
      const deviations = written.map((x) => x.map((value) => size * Math.abs(value)));
      const [q = NONE, k = NONE, v = NONE] = deviations;
      const within = written.map((x, input) =>
        x.map((value, i) => value + (2 * random.nextUnit() - 1) * (deviations[input]?.[i] ?? 0)),
      );
      const off = { expected: [q, k, v] as const, proven: [q, k, v] as const };
      const should = attentionReference(op, { written, arithmetic, off });
      const [movedQ = NONE, movedK = NONE, movedV = NONE] = within;
      const moved = attentionReference(op, { written: [movedQ, movedK, movedV], arithmetic });
      for (const [i, y] of moved.reference.entries()) {
        const away = Math.abs(y - (should.reference[i] ?? Number.NaN)) - (moved.slack?.[i] ?? 0);
        const bound = (should.slack?.[i] ?? 0) + (should.expected[i] ?? Number.NaN);
        expect(away).toBeLessThanOrEqual(bound * (1 + 1e-9));
      }
    }),
    { seed: 20_261_127, numRuns: 60 },
  );
});

describe('a number as a half', () => {
  it.each(['f16', 'bf16'] as const)('is the nearest, ties to even: %s', (type) => {
    const round = roundingTo(type) ?? ((x: number) => x);
    const random = new RandomSource(11);
    const half = 2 ** (type === 'f16' ? -11 : -8);
    const sizes = Float64Array.from({ length: 40_000 }, (_, i) => {
      const value = Math.fround((2 * random.nextUnit() - 1) * 2 ** ((i % 60) - 40));
      // Every other one lies in the middle between two halves.
      return i % 2 === 0 ? value : (roundActivations(Float64Array.of(value), type).values[0] ?? 0) * (1 + half);
    });
    const exact = roundActivations(sizes, type).values;
    expect(sizes.map((x) => round(x) + 0)).toEqual(exact.map((x) => x + 0));
    expect([round(Number.NaN), round(Infinity), round(2 ** 130)]).toEqual([Number.NaN, Infinity, Infinity]);
  });

  it('is asked of halves alone', () => {
    expect([roundingTo('f32'), roundingTo('f64'), roundingTo('q8_0')]).toEqual([null, null, null]);
  });
});

describe('turned heads', () => {
  it('are turned back by the same matrix, whose signs are Sylvester’s', () => {
    const unit = new Float64Array(64);
    unit[3] = 8;
    expect([...turned(unit, 64).subarray(0, 8)]).toEqual([1, -1, -1, 1, 1, -1, -1, 1]);
    const x = floats(128, 4);
    for (const [i, value] of turned(turned(x, 128), 128).entries()) expect(value).toBeCloseTo(x[i] ?? 0, 12);
  });

  it('have keys in the largest blocks and values in blocks of 64, where 64 fills them', () => {
    expect([256, 192, 64, 96].map(turnedBlocks)).toEqual([
      { keys: 256, values: 64 },
      { keys: 64, values: 64 },
      { keys: 64, values: 64 },
      null,
    ]);
  });
});
