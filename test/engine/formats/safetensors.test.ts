import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RefuteError } from '../../../src/errors.ts';
import { parseSafetensors } from '../../../src/engine/formats/safetensors.ts';
import { MemoryByteSource } from '../../../src/engine/io/byte-source.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { safetensorsFile, safetensorsOf } from '../../fixtures/safetensors.ts';

const parse = (bytes: Uint8Array) => parseSafetensors(new MemoryByteSource(bytes, 'm.safetensors'));
const f32 = (begin: number, end: number, shape: unknown = [(end - begin) / 4]) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

describe('parseSafetensors', () => {
  it('lists tensors in file order with their place in the file', async () => {
    const bytes = safetensorsOf({
      b: { dtype: 'F16', shape: [2, 3], data: new Uint8Array(12) },
      a: { dtype: 'I64', shape: [], data: new Uint8Array(8) },
      empty: { dtype: 'F32', shape: [0, 7], data: new Uint8Array() },
    });
    const { dataOffset, tensors } = await parse(bytes);
    expect(dataOffset).toBe(bytes.byteLength - 20);
    expect(
      tensors.map(({ name, type, shape, byteOffset, byteLength }) => [
        name,
        type,
        shape,
        byteOffset - dataOffset,
        byteLength,
      ]),
    ).toEqual(
      [
        ['b', 'f16', [2, 3], 0, 12],
        ['empty', 'f32', [0, 7], 20, 0],
        ['a', null, [], 12, 8],
      ].toSorted((x, y) => Number(x[3]) - Number(y[3])),
    );
  });

  it('keeps the metadata and takes a header padded with spaces', async () => {
    const { metadata, tensors } = await parse(safetensorsFile('{"__metadata__":{"format":"pt"}}    '));
    expect([...metadata]).toEqual([['format', 'pt']]);
    expect(tensors).toEqual([]);
  });
});

describe('parseSafetensors refuses', () => {
  const four = new Uint8Array(4);
  const eight = new Uint8Array(8);
  it.each<[string, string, Uint8Array]>([
    [
      'a header longer than the file',
      'E_SAFETENSORS_TRUNCATED',
      safetensorsFile({ a: f32(0, 4) }, four).subarray(0, 20),
    ],
    ['tensors past the end', 'E_SAFETENSORS_PAST_END', safetensorsFile({ a: f32(0, 8) }, four)],
    ['tensors that overlap', 'E_SAFETENSORS_OVERLAP', safetensorsFile({ a: f32(0, 8), b: f32(4, 8) }, eight)],
    ['bytes between tensors', 'E_SAFETENSORS_GAP', safetensorsFile({ a: f32(4, 8) }, eight)],
    ['bytes behind the last tensor', 'E_SAFETENSORS_GAP', safetensorsFile({ a: f32(0, 4) }, eight)],
    [
      'a name twice',
      'E_JSON_DUPLICATE_KEY',
      safetensorsFile(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        eight,
      ),
    ],
    [
      'a key twice',
      'E_JSON_DUPLICATE_KEY',
      safetensorsFile('{"a":{"dtype":"F32","dtype":"F16","shape":[2],"data_offsets":[0,4]}}', four),
    ],
    [
      'a dtype whose size does not fit',
      'E_SAFETENSORS_BYTES',
      safetensorsFile({ a: { ...f32(0, 4, [1]), dtype: 'F16' } }, four),
    ],
    ['a dtype that is no text', 'E_SAFETENSORS_ENTRY', safetensorsFile({ a: { ...f32(0, 4), dtype: 7 } }, four)],
    [
      'a key that the format does not have',
      'E_SAFETENSORS_ENTRY',
      safetensorsFile({ a: { ...f32(0, 4), scale: 2 } }, four),
    ],
    ['a negative dimension', 'E_SAFETENSORS_SHAPE', safetensorsFile({ a: f32(0, 4, [-1]) }, four)],
    ['a shape that overflows', 'E_SAFETENSORS_SHAPE', safetensorsFile({ a: f32(0, 4, [2 ** 40, 2 ** 40, 0]) }, four)],
    [
      'offsets in reverse',
      'E_SAFETENSORS_OFFSETS',
      safetensorsFile({ a: { ...f32(0, 4), data_offsets: [4, 0] } }, four),
    ],
    [
      'offsets past 2^53',
      'E_SAFETENSORS_OFFSETS',
      safetensorsFile('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}}', four),
    ],
    ['a header that is a list', 'E_FORMAT', safetensorsFile('[]')],
    ['JSON that does not end', 'E_JSON_SYNTAX', safetensorsFile('{"a":')],
    ['JSON without end of depth', 'E_JSON_DEPTH', safetensorsFile(`{"a":${'['.repeat(5000)}`)],
    ['metadata that is no text', 'E_SAFETENSORS_METADATA', safetensorsFile('{"__metadata__":{"a":1}}')],
    ['another format', 'E_FORMAT', new TextEncoder().encode('GGUF\u0003\0\0\0\0\0\0\0\0\0\0\0')],
    ['an empty file', 'E_FORMAT', new Uint8Array()],
  ])('%s', async (_, code, bytes) => {
    await refusal(code, () => parse(bytes));
  });

  it('a header length of 2^40 without reading it', async () => {
    const bytes = safetensorsFile({ a: f32(0, 4) }, four);
    new DataView(bytes.buffer).setBigUint64(0, 2n ** 39n, true);
    await refusal('E_SAFETENSORS_HEADER_LENGTH', () => parse(bytes));
  });

  it('or reads any file whose bytes were changed, and never answers anything else', async () => {
    const good = safetensorsOf({
      first: { dtype: 'F32', shape: [2], data: new Uint8Array(8) },
      second: { dtype: 'BF16', shape: [2, 2], data: new Uint8Array(8) },
    });
    const edits = fc.array(fc.tuple(fc.nat({ max: good.byteLength - 1 }), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(edits, fc.nat({ max: good.byteLength }), async (changes, length) => {
        const bytes = good.slice();
        for (const [at, value] of changes) bytes[at] = value;
        for (const file of [bytes, good.subarray(0, length)]) {
          try {
            const { tensors } = await parse(file);
            for (const { byteOffset, byteLength } of tensors) {
              expect(byteOffset + byteLength).toBeLessThanOrEqual(file.byteLength);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(RefuteError);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
