// Every formula but rotation (rope.test.ts) against the same formula in integers (fixed-point.ts), within the bound
// that its roundings allow; and against cases whose answer can be said by hand.
import { describe, expect, it } from 'vitest';
import type { Op } from '../../../src/engine/program/program.ts';
import { newCache } from '../../../src/oracles/float64/evaluate-op.ts';
import { randomFloats } from '../../cases/random-blocks.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { exp, fixed, ONE, over, root, sum, times, type Fixed } from './fixed-point.ts';
import { ATTENTION, evaluate, magnitude, randomDoubles, U, worst } from './one-op.ts';

describe('embed', () => {
  const op: Op = { op: 'embed', weight: 'w', out: 'y' };

  it('gives the rows of the tokens', async () => {
    const weights = { w: { shape: [3, 2], data: [1, 2, 3, 4, 5, 6] } };
    expect([...(await evaluate(op, { weights, tokens: [2, 0, 2] }))]).toEqual([5, 6, 1, 2, 5, 6]);
  });

  it('gives values that float32 cannot hold', async () => {
    // q4_1 with d = 1, m = 2^-24, every nibble 15.
    const block = Uint8Array.from([0, 0x3c, 1, 0, ...Array.from({ length: 16 }, () => 0xff)]);
    const row = await evaluate(op, { weights: { w: { shape: [1, 32], type: 'q4_1', data: block } }, tokens: [0] });
    expect(new Set(row)).toEqual(new Set([15 + 2 ** -24]));
  });
});

describe('matmul', () => {
  const op: Op = { op: 'matmul', in: 'x', weight: 'w', out: 'y' };

  it('multiplies rows of the weight with rows of the input', async () => {
    const weights = { w: { shape: [3, 2], data: [1, 2, 3, 4, -5, 6] } };
    const y = await evaluate(op, { weights, values: { x: [10, 1, 0.5, -1] }, rows: 2 });
    expect([...y]).toEqual([12, 34, -44, -1.5, -2.5, -8.5]);
  });

  it('is within k roundings of Σ|w||x|, and float32 is not', async () => {
    const [rowCount, columns, positions] = [5, 37, 3];
    const w = randomFloats(1, rowCount * columns, 1);
    const x = randomDoubles(2, positions * columns);
    const y = await evaluate(op, {
      weights: { w: { shape: [rowCount, columns], data: w } },
      values: { x },
      rows: positions,
    });
    const terms = Array.from({ length: positions * rowCount }, (_, i) => {
      const [p, r] = [Math.floor(i / rowCount), i % rowCount];
      return Array.from({ length: columns }, (_unused, c) =>
        times(fixed(w[r * columns + c] ?? 0), fixed(x[p * columns + c] ?? 0)),
      );
    });
    const exact = terms.map((row) => sum(row));
    const allowed = (i: number): number => columns * U * (terms[i] ?? []).reduce((m, term) => m + magnitude(term), 0);
    expect(worst(y, exact, allowed)).toBeLessThanOrEqual(1);
    expect(worst(y.map(Math.fround), exact, allowed)).toBeGreaterThan(1);
  });

  it('is the same whether rows fit one block of reading or many', async () => {
    // 600 rows of 500: two blocks.
    const [rowCount, columns] = [600, 500];
    const w = randomFloats(3, rowCount * columns, 1);
    const x = randomDoubles(4, columns);
    const y = await evaluate(op, { weights: { w: { shape: [rowCount, columns], data: w } }, values: { x } });
    const last = w.subarray((rowCount - 1) * columns);
    const alone = await evaluate(op, { weights: { w: { shape: [1, columns], data: last } }, values: { x } });
    expect(y[rowCount - 1]).toBe(alone[0]);
    expect(y[0]).not.toBe(alone[0]);
  });
});

describe('rmsnorm', () => {
  const norm = (eps: number): Op => ({ op: 'rmsnorm', in: 'x', weight: 'g', eps, out: 'y' });

  it('divides by the root of the mean square and multiplies by the gain', async () => {
    // mean(49, 1) = 25
    const weights = { g: { shape: [2], data: [1, 10] } };
    expect([...(await evaluate(norm(0), { weights, values: { x: [7, 1] } }))]).toEqual([1.4, 2]);
    expect([...(await evaluate(norm(75), { weights, values: { x: [7, 1] } }))]).toEqual([0.7, 1]);
  });

  it.each([0, 1e-6, 0.5])('is within its roundings, eps %d', async (eps) => {
    const [n, rows] = [33, 3];
    const gain = randomFloats(5, n, 1);
    // The second row is as small as eps, where eps counts.
    const x = randomDoubles(6, rows * n).map((value, i) => (i >= n && i < 2 * n ? value * 1e-3 : value));
    const y = await evaluate(norm(eps), { weights: { g: { shape: [n], data: gain } }, values: { x }, rows });
    const exact = Array.from(x, (value, i) => {
      const row = x.subarray(Math.floor(i / n) * n, (Math.floor(i / n) + 1) * n);
      const meanSquare = over(sum(Array.from(row, (v) => times(fixed(v), fixed(v)))), fixed(n));
      return times(over(fixed(value), root(meanSquare + fixed(eps))), fixed(gain[i % n] ?? 0));
    });
    const allowed = (i: number): number => (n / 2 + 5) * U * magnitude(exact[i] ?? 0n);
    expect(worst(y, exact, allowed)).toBeLessThanOrEqual(1);
    expect(worst(y.map(Math.fround), exact, allowed)).toBeGreaterThan(1);
  });
});

describe('addBias, add and mul', () => {
  it('combine element by element, the bias once per row', async () => {
    const weights = { b: { shape: [2], data: [10, 20] } };
    const biased = await evaluate(
      { op: 'addBias', in: 'x', weight: 'b', out: 'y' },
      { weights, values: { x: [1, 2, 3, 4] }, rows: 2 },
    );
    expect([...biased]).toEqual([11, 22, 13, 24]);
    const values = { a: [1, 2, 3, 4], b: [10, 20, 30, -40] };
    expect([...(await evaluate({ op: 'add', a: 'a', b: 'b', out: 'y' }, { values, rows: 2 }))]).toEqual([
      11, 22, 33, -36,
    ]);
    expect([...(await evaluate({ op: 'mul', a: 'a', b: 'b', out: 'y' }, { values, rows: 2 }))]).toEqual([
      10, 40, 90, -160,
    ]);
  });

  it('round once', async () => {
    const [a, b] = [randomDoubles(7, 50), randomDoubles(8, 50)];
    const added = await evaluate({ op: 'add', a: 'a', b: 'b', out: 'y' }, { values: { a, b } });
    const product = await evaluate({ op: 'mul', a: 'a', b: 'b', out: 'y' }, { values: { a, b } });
    const sums = Array.from(a, (value, i) => fixed(value) + fixed(b[i] ?? 0));
    const products = Array.from(a, (value, i) => times(fixed(value), fixed(b[i] ?? 0)));
    expect(worst(added, sums, (i) => U * magnitude(sums[i] ?? 0n))).toBeLessThanOrEqual(1);
    expect(worst(product, products, (i) => U * magnitude(products[i] ?? 0n))).toBeLessThanOrEqual(1);
  });
});

describe('silu', () => {
  const op: Op = { op: 'silu', in: 'x', out: 'y' };

  it('is within four roundings of x / (1 + e^−x)', async () => {
    const x = [1, -1, 0.001, -0.001, 5.5, -5.5, 30, -30, 88.7, -88.7, -150, ...randomDoubles(9, 20, 3)];
    const y = await evaluate(op, { values: { x } });
    const exact = x.map((value) => over(fixed(value), ONE + exp(fixed(-value))));
    expect(worst(y, exact, (i) => 4 * U * magnitude(exact[i] ?? 0n))).toBeLessThanOrEqual(1);
  });

  it('has the limits of the formula as it stands', async () => {
    const y = await evaluate(op, { values: { x: [0, -0, 1_000, -1_000, Infinity, -Infinity, Number.NaN] } });
    expect([...y]).toEqual([0, -0, 1_000, -0, Infinity, Number.NaN, Number.NaN]);
  });
});

describe('attention', () => {
  const op = { ...ATTENTION, headCount: 4, kvHeadCount: 2, headDim: 3, scale: 0.7 };

  it('takes the mean of the values where every key scores the same, by kv head and window', async () => {
    const values = { q: new Float64Array(36), k: randomDoubles(11, 18), v: Array.from({ length: 18 }, (_, i) => i) };
    const all = await evaluate(op, { values, rows: 3 });
    // v[j, g, c] = 6j + 3g + c; heads 0 and 1 read g = 0, heads 2 and 3 read g = 1.
    expect([...all.subarray(0, 12)]).toEqual([0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5]);
    expect([...all.subarray(12, 24)]).toEqual([3, 4, 5, 3, 4, 5, 6, 7, 8, 6, 7, 8]);
    expect([...all.subarray(24)].map((x) => Math.round(x * 1e12) / 1e12)).toEqual([
      6, 7, 8, 6, 7, 8, 9, 10, 11, 9, 10, 11,
    ]);
    const two = await evaluate({ ...op, window: 2 }, { values, rows: 3 });
    expect([...two.subarray(24)]).toEqual([9, 10, 11, 9, 10, 11, 12, 13, 14, 12, 13, 14]);
    const one = await evaluate({ ...op, window: 1 }, { values, rows: 3 });
    expect([...one.subarray(24)]).toEqual([12, 13, 14, 12, 13, 14, 15, 16, 17, 15, 16, 17]);
  });

  it.each([null, 3])('is within its roundings, window %s', async (window) => {
    const [rows, { headDim, headCount, kvHeadCount, scale }] = [6, op];
    const [q, k, v] = [randomDoubles(12, rows * 12, 2), randomDoubles(13, rows * 6, 2), randomDoubles(14, rows * 6)];
    const y = await evaluate({ ...op, window }, { values: { q, k, v }, rows });
    const at = (data: Float64Array, start: number): Fixed[] => Array.from(data.subarray(start, start + headDim), fixed);
    const exact: Fixed[] = [];
    const allowed: number[] = [];
    for (let p = 0; p < rows; p += 1) {
      for (let h = 0; h < headCount; h += 1) {
        const g = h < 2 ? 0 : 1;
        const first = window === null ? 0 : Math.max(0, p - window + 1);
        const seen = Array.from({ length: p - first + 1 }, (_, j) => first + j);
        const query = at(q, (p * headCount + h) * headDim);
        const products = seen.map((j) =>
          at(k, (j * kvHeadCount + g) * headDim).map((key, c) => times(fixed(scale), times(key, query[c] ?? 0n))),
        );
        const powers = products.map((terms) => exp(sum(terms)));
        const total = sum(powers);
        // Of a score: headDim products and sums and the scale, relative to Σ|scale·q·k|.
        const score = Math.max(...products.map((terms) => (headDim + 2) * terms.reduce((m, t) => m + magnitude(t), 0)));
        for (let c = 0; c < headDim; c += 1) {
          const terms = seen.map((j, n) =>
            times(over(powers[n] ?? 0n, total), fixed(v[(j * kvHeadCount + g) * headDim + c] ?? 0)),
          );
          exact.push(sum(terms));
          const mass = terms.reduce((m, term) => m + magnitude(term), 0);
          allowed.push((2 * score + 2 * seen.length + 8) * U * mass);
        }
      }
    }
    expect(worst(y, exact, (i) => allowed[i] ?? 0)).toBeLessThanOrEqual(1);
    expect(worst(y.map(Math.fround), exact, (i) => allowed[i] ?? 0)).toBeGreaterThan(1);
  });

  it('gives the same bits in two chunks over one cache, and where a chunk is given twice', async () => {
    const [q, k, v] = [randomDoubles(15, 60), randomDoubles(16, 30), randomDoubles(17, 30)];
    const whole = await evaluate(op, { values: { q, k, v }, rows: 5 });
    const cache = newCache(op);
    await evaluate(op, { values: { q: q.slice(0, 24), k: k.slice(0, 12), v: v.slice(0, 12) }, rows: 2, cache });
    const second = { q: q.slice(24), k: k.slice(12), v: v.slice(12) };
    for (let time = 0; time < 2; time += 1) {
      expect(await evaluate(op, { values: second, rows: 3, firstPosition: 2, cache })).toEqual(whole.slice(24));
    }
  });

  it('stays finite for scores that overflow an exponential, and lets NaN through to the heads that see it', async () => {
    const values = {
      q: new Float64Array(24).fill(100),
      k: new Float64Array(12).fill(100),
      v: new Float64Array(12).fill(1),
    };
    expect(new Set(await evaluate(op, { values, rows: 2 }))).toEqual(new Set([1]));
    // Key 1 of kv head 1.
    values.k[9] = Number.NaN;
    const y = await evaluate(op, { values, rows: 2 });
    expect([...y].map(Number.isNaN)).toEqual(Array.from({ length: 24 }, (_, i) => i >= 18));
    values.k[9] = -Infinity;
    expect([...(await evaluate(op, { values, rows: 2 }))].slice(18)).toEqual([1, 1, 1, 1, 1, 1]);
  });
});

describe('evaluateOp', () => {
  const add: Op = { op: 'add', a: 'a', b: 'b', out: 'y' };

  it('takes float32 inputs as the doubles that they are', async () => {
    const values = { a: Float32Array.of(0.1, 2 ** 24), b: Float32Array.of(0.2, 1) };
    const y = await evaluate(add, { values });
    expect([...y]).toEqual([Math.fround(0.1) + Math.fround(0.2), 2 ** 24 + 1]);
  });

  it('says what is missing', async () => {
    await expect(evaluate(add, { values: { a: [1] } })).rejects.toThrow(RangeError);
    const norm: Op = { op: 'rmsnorm', in: 'x', weight: 'g', eps: 0, out: 'y' };
    await refusal('E_PROGRAM_WEIGHT', () => evaluate(norm, { values: { x: [1, 2] } }));
    const long = { g: { shape: [4], data: [1, 1, 1, 1] } };
    await refusal('E_PROGRAM_WEIGHT', () => evaluate(norm, { values: { x: [1, 2] }, weights: long }));
    const attention = { ...ATTENTION, k: 'q', v: 'q' };
    await expect(evaluate(attention, { values: { q: [1] }, firstPosition: 3 })).rejects.toThrow(RangeError);
    await expect(evaluate({ op: 'gelu' } as unknown as Op, {})).rejects.toThrow(RangeError);
  });
});
