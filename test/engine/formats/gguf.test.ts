// The reader on well-formed files by hand: every value type, and no more of the file is touched than the header. The
// search over whole files is FALSIFY-GGUF-001.
import { describe, expect, it } from 'vitest';
import { encodeGguf, ggufEntry, type GgufImage } from '../../fixtures/gguf.ts';
import { ggufFile } from '../../../falsifiers/kit/models/gguf-bytes.ts';
import { bytesOfText } from '../../../src/engine/formats/byte-text.ts';
import { parseGguf, type GgufEntry } from '../../../src/engine/formats/gguf.ts';
import { MemoryByteSource, type ByteSource } from '../../../src/engine/io/byte-source.ts';

const parse = (bytes: Uint8Array) => parseGguf(new MemoryByteSource(bytes, 'test.gguf'));

describe('parseGguf', () => {
  it('reads every value type with its bits', async () => {
    const entries: GgufEntry[] = [
      ggufEntry('a.u8', 'u8', 255),
      ggufEntry('a.i8', 'i8', -128),
      ggufEntry('a.u16', 'u16', 65_535),
      ggufEntry('a.i16', 'i16', -32_768),
      ggufEntry('a.u32', 'u32', 2 ** 32 - 1),
      ggufEntry('a.i32', 'i32', -(2 ** 31)),
      ggufEntry('a.u64', 'u64', 2 ** 53 - 1),
      ggufEntry('a.u64.big', 'u64', 2n ** 64n - 1n),
      ggufEntry('a.i64', 'i64', -(2n ** 63n)),
      ggufEntry('a.f32', 'f32', Math.fround(1e-5)),
      ggufEntry('a.f64', 'f64', 1e-5),
      ggufEntry('a.nan', 'f32', Number.NaN),
      ggufEntry('a.bool', 'bool', true),
      ggufEntry('a.string', 'string', '\uFEFFmark, \u{1F600}, \0'),
      ggufEntry('a.empty', 'string', ''),
      ggufEntry('a.strings', 'string[]', ['', 'x', '\uFEFF']),
      ggufEntry('a.floats', 'f32[]', [0.5, -0]),
      ggufEntry('a.none', 'i32[]', []),
      ggufEntry('__proto__', 'bool', false),
    ];
    const file = await parse(encodeGguf({ entries, tensors: [] }));
    expect(file.entries).toEqual(entries);
    expect(file.metadata.get('a.u64.big')).toBe(2n ** 64n - 1n);
    expect(file.metadata.get('__proto__')).toBe(false);
    expect([file.version, file.alignment, file.brokenStringCount]).toEqual([3, 32, 0]);
  });

  it('reads arrays in arrays', async () => {
    // Two elements of type array (9): two f32 (6), and none.
    const value = new DataView(new ArrayBuffer(44));
    for (const [at, type, count] of [[0, 9, 2n] as const, [12, 6, 2n] as const, [32, 6, 0n] as const]) {
      value.setUint32(at, type, true);
      value.setBigUint64(at + 4, count, true);
    }
    value.setFloat32(24, 1, true);
    value.setFloat32(28, 2, true);
    const raw = { type: 'raw', typeId: 9, bytes: new Uint8Array(value.buffer) } as const;
    const { bytes } = ggufFile({ metadata: [{ key: 'nested', value: raw }], tensors: [] });
    expect((await parse(bytes)).metadata.get('nested')).toEqual([[1, 2], []]);
  });

  it('reads version 2, any alignment that is a power of two, and an empty file', async () => {
    for (const alignment of [1, 8, 64, 4_096]) {
      const file = await parse(
        encodeGguf({
          version: 2,
          alignment,
          entries: [ggufEntry('general.alignment', 'u32', alignment)],
          tensors: ['a', 'b', 'c'].map((name) => ({ name, type: 'f32', shape: [3], data: new Uint8Array(12) })),
        }),
      );
      expect(file.version).toBe(2);
      expect(file.dataOffset % alignment).toBe(0);
      expect(file.tensors.map(({ byteOffset }) => byteOffset % alignment)).toEqual([0, 0, 0]);
    }
    const empty = await parse(encodeGguf({ entries: [], tensors: [] }));
    expect([empty.entries.length, empty.tensors.length]).toEqual([0, 0]);
  });

  it('lists tensors row-major, the reverse of the dimensions in the file', async () => {
    const data = new Uint8Array(5 * 32 * 4);
    const { tensors } = await parse(
      encodeGguf({ entries: [], tensors: [{ name: 'w', type: 'f32', shape: [5, 32], data }] }),
    );
    expect(tensors[0]).toMatchObject({ shape: [5, 32], elementCount: 160, byteLength: 640, type: 'f32', ggmlId: 0 });
  });

  it('lists tensors without elements wherever they are, and single numbers', async () => {
    const of = (name: string, dimensions: number[], byteLength: number, typeId = 0) => ({
      name,
      dimensions,
      typeId,
      bytes: new Uint8Array(byteLength),
    });
    const tensors = [
      of('first', [0], 0),
      of('same offset', [4, 0], 0),
      of('a', [8], 32),
      of('number', [], 4),
      of('of blocks', [0, 3], 0, 8),
      of('of an unknown type', [0, 3], 0, 999),
      of('last', [3, 0, 2], 0),
    ];
    const { bytes, marks } = ggufFile({ metadata: [], tensors });
    // As a writer leaves it that does not pad the last tensor: nothing is there where the empty ones begin.
    const end = (marks.get('data') ?? Number.NaN) + 32 + 4;
    for (const file of [bytes, bytes.subarray(0, end)]) {
      const listed = (await parse(file)).tensors.map(({ name, shape, elementCount, byteLength }) => [
        name,
        shape,
        elementCount,
        byteLength,
      ]);
      expect(listed).toEqual([
        ['first', [0], 0, 0],
        ['same offset', [0, 4], 0, 0],
        ['a', [8], 8, 32],
        ['number', [], 1, 4],
        ['of blocks', [3, 0], 0, 0],
        ['of an unknown type', [3, 0], 0, 0],
        ['last', [2, 0, 3], 0, 0],
      ]);
    }
  });

  it('lists tensors of types that it cannot decode', async () => {
    const tensor = { type: 'f32', shape: [256], data: new Uint8Array(1_024) } as const;
    const { tensors } = await parse(
      encodeGguf({
        entries: [],
        tensors: [
          { ...tensor, name: 'iq', ggmlId: 17 },
          { ...tensor, name: 'new', ggmlId: 999 },
        ],
      }),
    );
    expect(tensors.map(({ type, typeLabel, byteLength }) => [type, typeLabel, byteLength])).toEqual([
      [null, 'iq2_xs', 74],
      [null, 'ggml-999', null],
    ]);
  });

  it('counts strings that are not UTF-8 and keeps their bytes apart from U+FFFD', async () => {
    const bytes = encodeGguf({ entries: [ggufEntry('k', 'string', 'abc')], tensors: [] });
    bytes[bytes.lastIndexOf(0x62)] = 0xff;
    const file = await parse(bytes);
    expect(file.metadata.get('k')).toBe('a\udcffc');
    expect([...bytesOfText('a\udcffc')]).toEqual([0x61, 0xff, 0x63]);
    expect(file.brokenStringCount).toBe(1);
  });

  it('reads the header and nothing else, however long the data is', async () => {
    const image: GgufImage = {
      entries: [],
      tensors: [{ name: 'w', type: 'f32', shape: [2 ** 20, 2 ** 12], data: new Uint8Array() }],
    };
    const header = encodeGguf(image);
    let lastByte = 0;
    const source: ByteSource = {
      path: 'large.gguf',
      byteLength: header.byteLength + 2 ** 34,
      read: async (byteOffset, into) => {
        lastByte = Math.max(lastByte, byteOffset + into.byteLength);
        into.set(header.subarray(byteOffset, byteOffset + into.byteLength));
      },
      close: async () => {},
    };
    const { tensors } = await parseGguf(source);
    expect(tensors[0]?.byteLength).toBe(2 ** 34);
    expect(lastByte).toBeLessThanOrEqual(2 ** 20);
  });

  it('reads a vocabulary of 150,000 across windows', async () => {
    const tokens = Array.from({ length: 150_000 }, (_, id) => `token-${id}-${'x'.repeat(id % 23)}`);
    const scores = tokens.map((_, id) => -id);
    const bytes = encodeGguf({
      entries: [ggufEntry('t', 'string[]', tokens), ggufEntry('s', 'f32[]', scores)],
      tensors: [],
    });
    const { metadata } = await parse(bytes);
    expect(metadata.get('t')).toEqual(tokens);
    expect(metadata.get('s')).toEqual(scores);
  });
});
