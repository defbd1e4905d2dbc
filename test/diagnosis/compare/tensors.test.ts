// compareTensors against a naive reimplementation, and what it may never miss.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareTensors, TensorComparer } from '../../../src/diagnosis/compare/tensors.ts';

const seed = Number(process.env['REFUTE_SEED'] ?? 20_260);
console.log(`fast-check seed ${seed} (REFUTE_SEED)`);
const runs = { seed, numRuns: 200 };

const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
const anyVector = fc.array(fc.float(), { minLength: 1, maxLength: 40 }).map((values) => Float32Array.from(values));
const pair = fc
  .array(fc.tuple(finite, fc.oneof(finite, fc.constant(null))), { minLength: 1, maxLength: 40 })
  // null: the same value on both sides.
  .map((rows) => ({ a: Float32Array.from(rows, ([x]) => x), b: Float32Array.from(rows, ([x, y]) => y ?? x) }));

describe('compareTensors', () => {
  test('a tensor and its copy are identical, NaN and infinities included', () => {
    fc.assert(
      fc.property(anyVector, (a) => {
        const result = compareTensors(a, a.slice());
        expect(result).toMatchObject({ bitIdentical: true, differingCount: 0, maxAbsDiff: 0, rmsDiff: 0, nmse: 0 });
        expect(result.maxAbsDiffIndex).toBeNull();
        expect(result.divergences).toEqual([]);
        if (result.cosine !== null) expect(result.cosine).toBe(1);
      }),
      runs,
    );
  });

  test('agrees with the definition, computed naively', () => {
    fc.assert(
      fc.property(pair, ({ a, b }) => {
        const result = compareTensors(a, b, 100);
        const diffs = [...a].map((x, i) => Math.abs(x - (b[i] ?? NaN)));
        const max = Math.max(...diffs);
        expect(result.maxAbsDiff).toBe(max);
        expect(result.rmsDiff).toBe(Math.sqrt(diffs.reduce((sum, d) => sum + d * d, 0) / a.length));
        if (max > 0) expect(result.maxAbsDiffIndex).toBe(diffs.indexOf(max));
        const differing = [...a].filter((x, i) => !Object.is(x, b[i])).length;
        expect(result.differingCount).toBe(differing);
        expect(result.divergences).toHaveLength(differing);
        const sizes = result.divergences.map((d) => d.absDiff);
        expect(sizes).toEqual(sizes.toSorted((p, q) => q - p));
      }),
      runs,
    );
  });

  test('sums of squares and products are right to 1e-12 of exact integer arithmetic', () => {
    const integers = fc.array(fc.tuple(fc.integer({ min: -4095, max: 4095 }), fc.integer({ min: -4095, max: 4095 })), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(integers, (rows) => {
        const dot = (i: 0 | 1, j: 0 | 1): bigint =>
          rows.reduce((sum, row) => sum + BigInt(row[i]) * BigInt(row[j]), 0n);
        const [aa, bb, ab] = [dot(0, 0), dot(1, 1), dot(0, 1)];
        const result = compareTensors(
          Float32Array.from(rows, (r) => r[0]),
          Float32Array.from(rows, (r) => r[1]),
        );
        if (aa === 0n || bb === 0n) {
          expect(result.cosine).toBeNull();
        } else {
          expect(result.cosine).toBeCloseTo(Number(ab) / Math.sqrt(Number(aa * bb)), 12);
        }
        const squaredDiff = aa - 2n * ab + bb;
        if (aa !== 0n) expect(result.nmse).toBeCloseTo(Number(squaredDiff) / Number(aa), 12);
      }),
      runs,
    );
  });

  test('both orders give the same distances', () => {
    fc.assert(
      fc.property(anyVector, anyVector, (left, right) => {
        const n = Math.min(left.length, right.length);
        const [a, b] = [left.slice(0, n), right.slice(0, n)];
        const [ab, ba] = [compareTensors(a, b), compareTensors(b, a)];
        for (const key of ['maxAbsDiff', 'maxAbsDiffIndex', 'rmsDiff', 'cosine', 'differingCount'] as const) {
          expect(ba[key]).toEqual(ab[key]);
        }
        expect([ba.nanInA, ba.nanInB]).toEqual([ab.nanInB, ab.nanInA]);
      }),
      runs,
    );
  });

  test('a NaN on one side is always the largest difference, wherever it stands', () => {
    fc.assert(
      fc.property(pair, fc.nat(), fc.boolean(), ({ a, b }, at, inA) => {
        const index = at % a.length;
        (inA ? a : b)[index] = NaN;
        const result = compareTensors(a, b, 1);
        expect(result).toMatchObject({ bitIdentical: false, maxAbsDiff: Infinity, maxAbsDiffIndex: index });
        expect(result).toMatchObject({ rmsDiff: Infinity, nmse: Infinity, nonFiniteMismatches: 1, cosine: null });
        expect(result.cosineUndefined).toBe('non-finite values differ');
        expect(inA ? result.nanInA : result.nanInB).toBe(1);
        expect(result.divergences[0]).toMatchObject({ index, absDiff: Infinity });
      }),
      runs,
    );
  });

  test('two infinities are equal only with the same sign', () => {
    const plus = Float32Array.of(1, Infinity);
    expect(compareTensors(plus, plus.slice())).toMatchObject({ bitIdentical: true, infInA: 1, infInB: 1, cosine: 1 });
    const minus = Float32Array.of(1, -Infinity);
    expect(compareTensors(plus, minus)).toMatchObject({ maxAbsDiff: Infinity, maxAbsDiffIndex: 1 });
  });

  test('NaNs with different bits differ, and their bits are reported', () => {
    const a = new Float32Array(Uint32Array.of(0x7fc00000).buffer);
    const b = new Float32Array(Uint32Array.of(0xffc00001).buffer);
    const result = compareTensors(a, b);
    expect(result).toMatchObject({ bitIdentical: false, nonFiniteMismatches: 1 });
    expect(result.divergences[0]).toMatchObject({ bitsA: '0x7fc00000', bitsB: '0xffc00001' });
  });

  test('−0 and 0 differ in their bits by a difference of 0', () => {
    const result = compareTensors(Float32Array.of(1, 0), Float32Array.of(1, -0));
    expect(result).toMatchObject({ bitIdentical: false, differingCount: 1, maxAbsDiff: 0, maxAbsDiffIndex: 1 });
    expect(result.divergences).toEqual([
      { index: 1, a: 0, b: -0, absDiff: 0, bitsA: '0x00000000', bitsB: '0x80000000' },
    ]);
  });

  test('a permutation of both sides changes no distance', () => {
    fc.assert(
      fc.property(pair, fc.infiniteStream(fc.nat()), ({ a, b }, stream) => {
        const order = [...a.keys()]
          .map((i) => ({ i, key: stream.next().value as number }))
          .toSorted((p, q) => p.key - q.key);
        const shuffle = (x: Float32Array): Float32Array => Float32Array.from(order, ({ i }) => x[i] ?? 0);
        const [plain, shuffled] = [compareTensors(a, b), compareTensors(shuffle(a), shuffle(b))];
        expect(shuffled.maxAbsDiff).toBe(plain.maxAbsDiff);
        expect(shuffled.differingCount).toBe(plain.differingCount);
        expect(Math.abs(shuffled.rmsDiff - plain.rmsDiff)).toBeLessThanOrEqual(1e-12 * plain.rmsDiff);
      }),
      runs,
    );
  });

  test('says which norm is 0 instead of giving a cosine', () => {
    const [zero, one] = [Float32Array.of(0, 0), Float32Array.of(0, 1)];
    expect(compareTensors(zero, one)).toMatchObject({ cosine: null, cosineUndefined: 'norm of A is 0', nmse: null });
    expect(compareTensors(one, zero)).toMatchObject({ cosine: null, cosineUndefined: 'norm of B is 0', nmse: 1 });
    expect(compareTensors(zero, zero)).toMatchObject({ cosineUndefined: 'both norms are 0', bitIdentical: true });
  });

  test('nothing compared is not identical', () => {
    expect(compareTensors(new Float32Array(0), new Float32Array(0)).bitIdentical).toBe(false);
  });

  test('chunks give the same answer as the whole, to the bit', () => {
    fc.assert(
      fc.property(pair, fc.nat(), fc.integer({ min: 0, max: 5 }), ({ a, b }, cut, limit) => {
        const at = cut % (a.length + 1);
        const comparer = new TensorComparer(limit);
        comparer.add(a.subarray(0, at), b.subarray(0, at));
        comparer.add(a.subarray(at), b.subarray(at));
        expect(comparer.finish()).toEqual(compareTensors(a, b, limit));
      }),
      runs,
    );
  });

  test('a chunk known to be equal counts like one that was compared', () => {
    fc.assert(
      fc.property(anyVector, (a) => {
        const known = new TensorComparer(3);
        known.addEqual(a);
        expect(known.finish()).toEqual(compareTensors(a, a.slice(), 3));
      }),
      runs,
    );
  });

  test('keeps the largest of many, not the first', () => {
    const n = 5000;
    const a = new Float32Array(n);
    const b = Float32Array.from({ length: n }, (_, i) => (i * 7919) % n);
    const result = compareTensors(a, b, 3);
    expect(result.divergences.map((d) => d.absDiff)).toEqual([n - 1, n - 2, n - 3]);
  });
});
