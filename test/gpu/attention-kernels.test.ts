// The attention kernels against the float64 formulas: `attend` with `combine` for one position, `append` with `attention` for many.
import { describe, expect, it } from 'vitest';
import { sharedTestDevice } from './adapter.ts';
import {
  attentionReference,
  decode,
  decodeInputs,
  normReference,
  prefill,
  randomRows,
  ropeReference,
  worstPart,
} from './attention-layer.ts';
import type { Data, Decoded, DecodeInputs, Rows, Shape } from './attention-layer.ts';

const gpu = await sharedTestDevice();
const plain = await sharedTestDevice({ subgroups: false });

const SHAPES: [string, Shape][] = [
  ['heads of 2 channels', { heads: 3, kvHeads: 1, headDim: 2, rope: { pairing: 'norm', rotaryDim: 2 } }],
  [
    'heads of 6 channels, a window',
    { heads: 3, kvHeads: 3, headDim: 6, window: 70, rope: { pairing: 'neox', rotaryDim: 6 } },
  ],
  ['heads of 8 channels, norms', { heads: 8, kvHeads: 2, headDim: 8, hasNorm: true }],
  [
    'heads of 10 channels, norms and a part turned',
    { heads: 3, kvHeads: 1, headDim: 10, hasNorm: true, rope: { pairing: 'neox', rotaryDim: 6 } },
  ],
  ['heads of 64 channels', { heads: 3, kvHeads: 1, headDim: 64, rope: { pairing: 'norm', rotaryDim: 64 } }],
  [
    'heads of 80 channels, a quarter turned',
    { heads: 4, kvHeads: 4, headDim: 80, rope: { pairing: 'neox', rotaryDim: 20 } },
  ],
  [
    'heads of 128 channels, norms',
    { heads: 4, kvHeads: 1, headDim: 128, hasNorm: true, rope: { pairing: 'neox', rotaryDim: 128 } },
  ],
  [
    'heads of 256 channels, a cap and a window',
    {
      heads: 2,
      kvHeads: 1,
      headDim: 256,
      cap: 5,
      window: 33,
      hasNorm: true,
      rope: { pairing: 'neox', rotaryDim: 256 },
    },
  ],
  ['heads of 512 channels', { heads: 3, kvHeads: 3, headDim: 512, cap: 2, rope: { pairing: 'norm', rotaryDim: 128 } }],
  ['a window of 1', { heads: 2, kvHeads: 1, headDim: 8, window: 1 }],
  ['a window of 2', { heads: 2, kvHeads: 1, headDim: 8, window: 2 }],
  ['a window of 65', { heads: 2, kvHeads: 1, headDim: 12, window: 65 }],
];

const POSITIONS = [0, 1, 62, 63, 64, 129, 299];

function expectDecoded(shape: Shape, inputs: DecodeInputs, { out, keys, values, inner }: Decoded): void {
  const { position, q, k, v } = inputs;
  const [qNormed, kNormed] = [inner?.qNorm ?? q, inner?.kNorm ?? k];
  if (shape.hasNorm === true) {
    expect(worstPart(qNormed, normReference(shape, q, 'q'))).toBeLessThanOrEqual(1);
    expect(worstPart(kNormed, normReference(shape, k, 'k'))).toBeLessThanOrEqual(1);
  }
  const [query, key] = [inner?.qRope ?? qNormed, inner?.kRope ?? kNormed];
  if (shape.rope !== undefined) {
    expect(worstPart(query, ropeReference(shape, qNormed, position))).toBeLessThanOrEqual(1);
    expect(worstPart(key, ropeReference(shape, kNormed, position))).toBeLessThanOrEqual(1);
  }
  expect(keys).toEqual(withRow(inputs.keys, key));
  expect(values).toEqual(withRow(inputs.values, v));
  expect(worstPart(out, attentionReference(shape, query, keys, values))).toBeLessThanOrEqual(1);
}

describe.each(SHAPES)('%s', (_, shape) => {
  it.each(POSITIONS)(
    'position %d: norm, rope, cache and attention are within the budget; taps change no bit',
    async (position) => {
      const inputs = decodeInputs(shape, position);
      const tapped = await decode(gpu, shape, inputs, true);
      expectDecoded(shape, inputs, tapped);
      const untapped = await decode(gpu, shape, inputs);
      expect({ ...untapped, inner: tapped.inner }).toEqual(tapped);
      expect(await decode(plain, shape, inputs, true)).toEqual(tapped);
    },
  );

  it.each<Rows>([
    { firstRow: 0, firstPosition: 0, rowCount: 1 },
    { firstRow: 0, firstPosition: 0, rowCount: 2 },
    { firstRow: 0, firstPosition: 0, rowCount: 67 },
    { firstRow: 3, firstPosition: 60, rowCount: 5 },
    { firstRow: 0, firstPosition: 130, rowCount: 33 },
    { firstRow: 1, firstPosition: 290, rowCount: 10 },
  ])('$rowCount rows from row $firstRow of position $firstPosition on are within the budget', async (at) => {
    const chunk = rowsOf(shape, at);
    const out = await prefill(gpu, shape, at, ...chunk);
    expect(worstPart(out, attentionReference(shape, ...chunk))).toBeLessThanOrEqual(1);
    expect(await prefill(plain, shape, at, ...chunk)).toEqual(out);
  });
});

it.each([SHAPES[4], SHAPES[8], SHAPES[11]].flatMap((one) => one ?? []).filter((one) => typeof one !== 'string'))(
  'one position and many give the same within both budgets: $headDim channels',
  async (shape) => {
    const bare = { ...shape, rope: { pairing: 'norm' as const, rotaryDim: 0 } };
    const inputs = decodeInputs(bare, 140);
    const [keys, values] = [withRow(inputs.keys, inputs.k), withRow(inputs.values, inputs.v)];
    const { out } = await decode(gpu, bare, inputs);
    const filled = await prefill(gpu, bare, { firstRow: 0, firstPosition: 140, rowCount: 1 }, inputs.q, keys, values);
    const { expected } = attentionReference(bare, inputs.q, keys, values);
    const parts = Array.from(out, (value, i) => Math.abs(value - (filled[i] ?? Number.NaN)) / (2 * (expected[i] ?? 0)));
    expect(parts.every((part) => part <= 1)).toBe(true);
  },
);

const [, DECODED] = SHAPES[6] ?? ['', { heads: 1, kvHeads: 1, headDim: 4 }];
const BARE: Shape = { heads: 4, kvHeads: 2, headDim: 24, window: 100 };

it('twenty runs give the same bytes', async () => {
  const inputs = decodeInputs(DECODED, 150);
  const at = { firstRow: 0, firstPosition: 100, rowCount: 40 };
  const chunk = rowsOf(DECODED, at);
  const [decoded, filled] = [await decode(gpu, DECODED, inputs, true), await prefill(gpu, DECODED, at, ...chunk)];
  for (let i = 1; i < 20; i += 1) {
    expect(await decode(gpu, DECODED, inputs, true)).toEqual(decoded);
    expect(await prefill(gpu, DECODED, at, ...chunk)).toEqual(filled);
  }
});

it('a row has the same bits whatever rows are computed with it', async () => {
  const all = { firstRow: 0, firstPosition: 90, rowCount: 50 };
  const [q, keys, values] = rowsOf(BARE, all);
  const whole = await prefill(gpu, BARE, all, q, keys, values);
  const [wide, narrow] = [BARE.heads * BARE.headDim, BARE.kvHeads * BARE.headDim];
  const rows = [];
  for (const [firstRow, rowCount] of [
    [0, 7],
    [7, 1],
    [8, 42],
  ] as const) {
    const last = 90 + firstRow + rowCount;
    const part = q.slice(firstRow * wide, (firstRow + rowCount) * wide);
    rows.push(
      ...(await prefill(
        gpu,
        BARE,
        { firstRow, firstPosition: 90, rowCount },
        part,
        keys.slice(0, last * narrow),
        values.slice(0, last * narrow),
      )),
    );
  }
  expect(Float32Array.from(rows)).toEqual(whole);
});

describe('a number that is not finite', () => {
  const bad = [Number.NaN, Infinity, -Infinity];
  const capped = { ...BARE, cap: 30 };

  it.each(bad.flatMap((value) => [BARE, capped].map((shape) => [value, shape.cap ?? 0, shape] as const)))(
    '%d in q, k or v shows in the heads and rows that see it, and in no other (cap %d)',
    async (value, _, shape) => {
      const position = 140;
      const clean = decodeInputs(shape, position);
      const before = (await decode(gpu, shape, clean)).out;
      // Head 3 is of key-value head 1, as head 2 is; position 60 is seen from 140 on through a window of 100.
      const planted: [keyof DecodeInputs, number, number[]][] = [
        ['q', 3 * 24 + 5, [3]],
        ['k', 24 + 5, [2, 3]],
        ['v', 23, [0, 1]],
        ['keys', (60 * 2 + 1) * 24 + 5, [2, 3]],
        ['values', 60 * 2 * 24 + 23, [0, 1]],
        ['keys', (40 * 2 + 1) * 24 + 5, []],
        ['values', 40 * 2 * 24 + 23, []],
      ];
      for (const [what, at, heads] of planted) {
        const spoilt = { ...clean, [what]: withValue(clean[what] as Data, at, value) };
        const { out } = await decode(gpu, shape, spoilt);
        expect([what, wildHeads(out, 24)]).toEqual([what, heads]);
        for (const head of [0, 1, 2, 3].filter((one) => !heads.includes(one))) {
          expect(out.slice(24 * head, 24 * head + 24)).toEqual(before.slice(24 * head, 24 * head + 24));
        }
      }
    },
  );

  it.each(bad)('%d shows in prefill from its position on, as far as the window goes', async (value) => {
    const shape: Shape = { heads: 1, kvHeads: 1, headDim: 6, window: 20, cap: 30 };
    const at = { firstRow: 0, firstPosition: 50, rowCount: 50 };
    const [q, keys, values] = rowsOf(shape, at);
    const seen = Array.from({ length: 20 }, (_, i) => 18 + i);
    const [k, v] = [withValue(keys, 68 * 6 + 1, value), withValue(values, 68 * 6 + 1, value)];
    expect(wildHeads(await prefill(gpu, shape, at, q, k, values), 6)).toEqual(seen);
    expect(wildHeads(await prefill(gpu, shape, at, q, keys, v), 6)).toEqual(seen);
    expect(wildHeads(await prefill(gpu, shape, at, withValue(q, 18 * 6, value), keys, values), 6)).toEqual([18]);
  });
});

function rowsOf({ heads, kvHeads, headDim }: Shape, { firstRow, firstPosition, rowCount }: Rows): [Data, Data, Data] {
  const positions = firstPosition + firstRow + rowCount;
  return [
    randomRows(5, rowCount, heads, headDim),
    randomRows(6, positions, kvHeads, headDim),
    randomRows(7, positions, kvHeads, headDim),
  ];
}

function withRow(rows: Data, row: Data): Data {
  const out = new Float32Array(rows.length + row.length);
  out.set(rows);
  out.set(row, rows.length);
  return out;
}

function withValue(data: Data, at: number, value: number): Data {
  const out = data.slice();
  out[at] = value;
  return out;
}

/** Heads, or rows of one head, that have a number that is not finite. */
function wildHeads(out: Data, headDim: number): number[] {
  return Array.from({ length: out.length / headDim }, (_, head) => head).filter((head) =>
    out.subarray(headDim * head, headDim * head + headDim).some((value) => !Number.isFinite(value)),
  );
}
