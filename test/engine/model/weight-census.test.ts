// What a weight holds, against the float64 oracle's own decode of the same bytes.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TENSOR_TYPES, type TensorTypeName } from '../../../src/engine/formats/tensor-types.ts';
import { fileNames, oddityOf, oddWeights } from '../../../src/engine/model/odd-weights.ts';
import { censusOf } from '../../../src/engine/model/weight-census.ts';
import type { WeightInfo, WeightSource } from '../../../src/engine/program/executor.ts';
import { dequantizeExact } from '../../../src/oracles/float64/dequantize/dequantize-exact.ts';

const TYPES = Object.keys(TENSOR_TYPES) as TensorTypeName[];

function stored(type: TensorTypeName, shape: readonly number[], bytes: Uint8Array): [WeightSource, WeightInfo] {
  const info = { name: 'w', type, shape, byteLength: bytes.byteLength };
  const read: WeightSource['read'] = async (_, at, into) => into.set(bytes.subarray(at, at + into.byteLength));
  return [{ info: () => info, read }, info];
}

/** Blocks of zero bytes: every scale is 0. */
function zeros(type: TensorTypeName, blockCount: number): Uint8Array {
  return new Uint8Array(blockCount * TENSOR_TYPES[type].blockBytes);
}

describe.each(TYPES)('%s', (type) => {
  const { blockElements, blockBytes, halves } = TENSOR_TYPES[type];

  test('counts NaN and infinities of any bytes as the oracle decodes them, and finds the first', async () => {
    const blocks = fc.uint8Array({ minLength: blockBytes, maxLength: 6 * blockBytes });
    await fc.assert(
      fc.asyncProperty(
        blocks,
        fc.nat(),
        fc.constantFrom(0x7c00, 0xfc00, 0x7e01, 0xffff, 0x7bff, 0x0001),
        async (raw, at, half) => {
          const blockCount = Math.floor(raw.length / blockBytes);
          const bytes = raw.slice(0, blockCount * blockBytes);
          const offset = halves[at % Math.max(1, halves.length)];
          const block = at % blockCount;
          if (offset !== undefined) new DataView(bytes.buffer).setUint16(block * blockBytes + offset, half, true);
          const values = dequantizeExact(type, bytes);
          const census = await censusOf(...stored(type, [blockCount, blockElements], bytes));
          const bad = values.findIndex((value) => !Number.isFinite(value));
          expect(census).toMatchObject({
            nanCount: values.filter((value) => Number.isNaN(value)).length,
            infCount: values.filter((value) => Math.abs(value) === Infinity).length,
            first: bad === -1 ? null : { row: Math.floor(bad / blockElements), column: bad % blockElements },
          });
        },
      ),
    );
  });

  test('sees one bad block far into the tensor', async () => {
    const blockCount = Math.ceil((3 << 20) / blockBytes);
    const bytes = zeros(type, blockCount);
    const last = (blockCount - 1) * blockBytes;
    const view = new DataView(bytes.buffer);
    if (type === 'f32') view.setUint32(last, 0xff80_0001, true);
    else if (type === 'bf16') view.setUint16(last, 0xff81, true);
    else view.setUint16(last + (halves.at(-1) ?? 0), 0xfe00, true);
    const census = await censusOf(...stored(type, [blockCount, blockElements], bytes));
    expect(census.nanCount).toBe(blockElements);
    expect(census.first).toEqual({ row: blockCount - 1, column: 0 });
  });

  test('knows a matrix of zeros from one with a single other value', async () => {
    const bytes = zeros(type, 64);
    expect((await censusOf(...stored(type, [64, blockElements], bytes))).constant).toBe(0);
    bytes.fill(0x3b, 63 * blockBytes);
    expect((await censusOf(...stored(type, [64, blockElements], bytes))).constant).toBeNull();
  });
});

const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const oddity = async (shape: readonly number[], ...values: number[]): Promise<string | null> => {
  const found = oddityOf('w', await censusOf(...stored('f32', shape, floats(...values))), null);
  return found?.notice.code ?? null;
};

test.each<[string, readonly number[], number[]]>([
  ['a bias of zeros', [4], [0, 0, 0, 0]],
  ['a gain of ones', [4], [1, 1, 1, 1]],
  ['one column', [4, 1], [0, 0, 0, 0]],
  ['one row', [1, 4], [2, 2, 2, 2]],
  ['a single number', [1, 1], [0]],
  ['a row of zeros among others', [2, 2], [0, 0, 1, 2]],
  ['the largest and the smallest numbers', [2, 2], [3.4e38, -3.4e38, 1e-45, -0]],
  ['nothing at all', [0], []],
])('%s is not odd', async (_, shape, values) => {
  expect(await oddity(shape, ...values)).toBeNull();
});

test.each<[string, readonly number[], number[]]>([
  ['WEIGHTS-ZERO', [2, 2], [0, -0, 0, 0]],
  ['WEIGHTS-CONSTANT', [2, 2], [0.5, 0.5, 0.5, 0.5]],
  ['WEIGHTS-NONFINITE', [4], [0, Number.NaN, 0, 0]],
  ['WEIGHTS-NONFINITE', [2, 2], [Infinity, Infinity, Infinity, Infinity]],
  ['EXPERTS-ZERO', [2, 2, 2], [1, 2, 3, 4, 0, 0, 0, 0]],
])('%s', async (code, shape, values) => {
  expect(await oddity(shape, ...values)).toBe(code);
});

test('the smallest tensors come first within a limit, and the rest is named', async () => {
  const bytes = floats(0, 0, 0, 0);
  const tensors = [
    { name: 'large', type: 'f32', byteLength: 1000 },
    { name: 'small', type: 'f32', byteLength: 16 },
    { name: 'unknown', type: null, byteLength: null },
  ] as const;
  const [weights] = stored('f32', [2, 2], bytes);
  const { odd, lookedAt, skipped } = await oddWeights({ program: null, weights, tensors, byteLimit: 100 });
  expect(odd.map(({ notice }) => notice.message)).toEqual([
    'tensor "small" is all zeros: it was probably not written or not read',
  ]);
  expect({ lookedAt, skipped: skipped.toSorted() }).toEqual({ lookedAt: 1, skipped: ['large', 'unknown'] });
});

test('a place in a stack of experts is said by expert', async () => {
  const values = Array.from({ length: 12 }, (_, i) => (i === 9 ? Number.NaN : i));
  const found = oddityOf('w', await censusOf(...stored('f32', [3, 2, 2], floats(...values))), null);
  expect(found?.notice.message).toBe('tensor "w" holds 1 NaN, first in expert 2, row 0, column 1');
});

test('a weight is called what the file calls it, a part of a tensor and a stack of single ones too', () => {
  const nameOf = fileNames([
    { name: 'blk.0.attn_norm.weight', storedName: 'model.layers.0.input_layernorm.weight' },
    { name: 'blk.0.attn_q.weight', storedName: 'model.layers.0.self_attn.qkv_proj.weight' },
    { name: 'blk.0.attn_k.weight', storedName: 'model.layers.0.self_attn.qkv_proj.weight' },
    { name: 'blk.0.ffn_up_exps.weight', storedName: 'model.layers.0.mlp.experts.0.up_proj.weight' },
    { name: 'output.weight' },
  ]);
  expect(['attn_norm', 'attn_q', 'ffn_up_exps'].map((name) => nameOf(`blk.0.${name}.weight`))).toEqual([
    'model.layers.0.input_layernorm.weight',
    'model.layers.0.self_attn.qkv_proj.weight (blk.0.attn_q.weight)',
    'model.layers.0.mlp.experts.*.up_proj.weight',
  ]);
  expect([nameOf('output.weight'), nameOf('elsewhere')]).toEqual(['output.weight', 'elsewhere']);
});
