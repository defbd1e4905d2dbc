// The reader on files that lie. Each lie has a code of its own; none may crash, hang, or spend memory on a claim.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RefuteError } from '../../../src/errors.ts';
import { encodeGguf, ggufEntry, type GgufImage } from '../../fixtures/gguf.ts';
import { parseGguf, type GgufEntry } from '../../../src/engine/formats/gguf.ts';
import { MemoryByteSource } from '../../../src/engine/io/byte-source.ts';
import { refusal } from '../../fixtures/refusal.ts';

const parse = (bytes: Uint8Array) => parseGguf(new MemoryByteSource(bytes, 'model.gguf'));
const entry = ggufEntry('general.name', 'string', 'hostile');
const tensor = (name: string, extent = 32): GgufImage['tensors'][number] => ({
  name,
  type: 'f32',
  shape: [extent],
  data: new Uint8Array(extent * 4).fill(1),
});
const plain: GgufImage = { entries: [entry], tensors: [tensor('a'), tensor('b')] };

/** The plain file with one number overwritten. */
function patched(byteOffset: number, write: (view: DataView) => void, image: GgufImage = plain): Uint8Array {
  const bytes = encodeGguf(image);
  write(new DataView(bytes.buffer, byteOffset));
  return bytes;
}

/** Where in the file a text stands. */
function find(bytes: Uint8Array, text: string): number {
  return Buffer.from(bytes.buffer).indexOf(text);
}

describe('parseGguf refuses', () => {
  it.each([
    ['no bytes', new Uint8Array(), 'the file is empty'],
    ['zeros', new Uint8Array(100), 'the file begins with zeros'],
    ['another format', Buffer.from('APRT\0\0\0\0\0\0\0\0'), 'this is an APRT file'],
    ['a Git LFS pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\n'), 'this is a Git LFS pointer'],
    ['a web page', Buffer.from('<!DOCTYPE html><html>'), 'this is a web page'],
    ['a magic that is cut', Buffer.from('GGU'), 'beginning "GGU"; a GGUF file is needed'],
  ])('%s, naming what it is', async (_, bytes, words) => {
    const error = await refusal('E_FORMAT', () => parse(bytes));
    expect(error.message).toContain(words);
  });

  it.each([0, 1, 4, 2 ** 31, 2 ** 32 - 1])('version %d', async (version) => {
    await refusal('E_GGUF_VERSION', () => parse(patched(4, (view) => view.setUint32(0, version, true))));
  });

  it('a big-endian file', async () => {
    await refusal('E_GGUF_BYTE_ORDER', () => parse(patched(4, (view) => view.setUint32(0, 3, false))));
  });

  it.each([2n ** 63n, 2n ** 64n - 1n, 2n ** 53n, 2n ** 32n, 262_145n, 1_000n])('%d tensors', async (count) => {
    await refusal('E_GGUF_TENSOR_COUNT', () => parse(patched(8, (view) => view.setBigUint64(0, count, true))));
  });

  it.each([2n ** 63n, 2n ** 53n, 65_537n, 1_000n])('%d entries', async (count) => {
    await refusal('E_GGUF_ENTRY_COUNT', () => parse(patched(16, (view) => view.setBigUint64(0, count, true))));
  });

  it('a file cut anywhere', async () => {
    const bytes = encodeGguf(plain);
    const codes = new Set<string>();
    for (let length = 4; length < bytes.byteLength; length += 1) {
      const error = await parse(bytes.slice(0, length)).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error, `cut at ${length}`).toBeInstanceOf(RefuteError);
      codes.add((error as RefuteError).code);
    }
    expect([...codes].toSorted()).toEqual([
      'E_GGUF_STRING_PAST_END',
      'E_GGUF_TENSOR_COUNT',
      'E_GGUF_TENSOR_PAST_END',
      'E_GGUF_TRUNCATED',
    ]);
  });

  it('keys and strings longer than allowed or than the file', async () => {
    const keyAt = 24;
    await refusal('E_GGUF_STRING_LENGTH', () => parse(patched(keyAt, (view) => view.setBigUint64(0, 65_536n, true))));
    await refusal('E_GGUF_STRING_LENGTH', () => parse(patched(keyAt, (view) => view.setBigUint64(0, 2n ** 63n, true))));
    await refusal('E_GGUF_STRING_PAST_END', () => parse(patched(keyAt, (view) => view.setBigUint64(0, 60_000n, true))));
    const valueAt = find(encodeGguf(plain), 'hostile') - 8;
    await refusal('E_GGUF_STRING_PAST_END', () =>
      parse(patched(valueAt, (view) => view.setBigUint64(0, 2_000n, true))),
    );
    await refusal('E_GGUF_STRING_LENGTH', () =>
      parse(patched(valueAt, (view) => view.setBigUint64(0, 2n ** 40n, true))),
    );
    await refusal('E_GGUF_STRING_LENGTH', () => parse(encodeGguf({ entries: [], tensors: [tensor('n'.repeat(65))] })));
  });

  it('names that are not UTF-8', async () => {
    const bytes = encodeGguf(plain);
    bytes[find(bytes, 'general.name')] = 0xff;
    await refusal('E_GGUF_UTF8', () => parse(bytes));
  });

  it('value types that do not exist, and truth values that are neither', async () => {
    const typeAt = find(encodeGguf(plain), 'hostile') - 12;
    for (const type of [13, 255, 2 ** 32 - 1]) {
      await refusal('E_GGUF_VALUE_TYPE', () => parse(patched(typeAt, (view) => view.setUint32(0, type, true))));
    }
    const truth: GgufImage = { entries: [ggufEntry('k', 'bool', true)], tensors: [] };
    await refusal('E_GGUF_BOOL', () => parse(patched(24 + 8 + 1 + 4, (view) => view.setUint8(0, 2), truth)));
  });

  it('a key twice, a tensor twice', async () => {
    const error = await refusal('E_GGUF_DUPLICATE_KEY', () => parse(encodeGguf({ ...plain, entries: [entry, entry] })));
    expect(error.message).toBe('model.gguf: metadata key "general.name" occurs twice.');
    await refusal('E_GGUF_DUPLICATE_TENSOR', () =>
      parse(encodeGguf({ ...plain, tensors: [tensor('a'), tensor('a')] })),
    );
  });

  it('array bombs', async () => {
    const image = (values: GgufEntry) => encodeGguf({ entries: [values], tensors: [] });
    const strings = image(ggufEntry('k', 'string[]', ['x', 'y']));
    const countAt = 24 + 8 + 1 + 4 + 4;
    const claim = (bytes: Uint8Array, count: bigint): Uint8Array => {
      const copy = bytes.slice();
      new DataView(copy.buffer).setBigUint64(countAt, count, true);
      return copy;
    };
    await refusal('E_GGUF_ARRAY_LENGTH', () => parse(claim(strings, 2n ** 63n)));
    await refusal('E_GGUF_ARRAY_LENGTH', () => parse(claim(strings, 2n ** 24n + 1n)));
    await refusal('E_GGUF_ARRAY_PAST_END', () => parse(claim(strings, 10_000n)));
    // Six arrays, one in another.
    const nested = new Uint8Array(24 + 8 + 1 + 4 + 12 * 6);
    nested.set(strings.subarray(0, 24 + 8 + 1 + 4));
    const view = new DataView(nested.buffer);
    for (let at = 24 + 8 + 1 + 4; at < nested.byteLength; at += 12) {
      view.setUint32(at, 9, true);
      view.setBigUint64(at + 4, 1n, true);
    }
    await refusal('E_GGUF_ARRAY_DEPTH', () => parse(nested));
  });

  it.each([0, 3, 48, -32, 2 ** 22, 1.5])('the alignment %d', async (alignment) => {
    const type = Number.isInteger(alignment) ? (alignment < 0 ? 'i32' : 'u32') : 'f32';
    const error = await refusal('E_GGUF_ALIGNMENT', () =>
      parse(encodeGguf({ entries: [ggufEntry('general.alignment', type, alignment)], tensors: [] })),
    );
    expect(error.message).toBe(
      `model.gguf: general.alignment is ${alignment}; it must be a power of two up to 2097152.`,
    );
  });

  it('dimensions that are too many or endless', async () => {
    const bytes = encodeGguf({ entries: [], tensors: [tensor('a')] });
    const at = find(bytes, 'a') + 1;
    const set = (write: (view: DataView) => void) => patched(at, write, { entries: [], tensors: [tensor('a')] });
    for (const count of [5, 2 ** 32 - 1]) {
      await refusal('E_GGUF_DIMENSIONS', () => parse(set((view) => view.setUint32(0, count, true))));
    }
    for (const extent of [2n ** 53n, 2n ** 63n]) {
      await refusal('E_GGUF_DIMENSION', () => parse(set((view) => view.setBigUint64(4, extent, true))));
    }
    const overflowing = { ...tensor('a'), shape: [2 ** 31, 2 ** 31] };
    await refusal('E_GGUF_DIMENSION', () => parse(encodeGguf({ entries: [], tensors: [overflowing] })));
  });

  it('rows that do not fill blocks', async () => {
    const broken = { name: 'q', type: 'f32', ggmlId: 8, shape: [2, 33], data: new Uint8Array(264) } as const;
    await refusal('E_GGUF_BLOCKS', () => parse(encodeGguf({ entries: [], tensors: [broken] })));
  });

  it('tensors that are misaligned, overlap or end outside the file', async () => {
    const at = (byteOffset: number | bigint) =>
      encodeGguf({ entries: [], tensors: [tensor('a'), { ...tensor('b'), byteOffset }] });
    const end = at(128).byteLength;
    const alignment = await refusal('E_GGUF_TENSOR_ALIGNMENT', () => parse(at(130)));
    expect(alignment.message).toContain(
      'starts at byte 130 of the data; it must be a multiple of general.alignment, 32',
    );
    for (const byteOffset of [0, 32, 96]) await refusal('E_GGUF_TENSOR_OVERLAP', () => parse(at(byteOffset)));
    const error = await refusal('E_GGUF_TENSOR_PAST_END', () => parse(at(160)));
    expect(error.message).toBe(
      `model.gguf: tensor "b" ends at byte ${end + 32}, the file has ${end}. A download was probably cut short.`,
    );
    await refusal('E_GGUF_TENSOR_PAST_END', () => parse(at(2 ** 40)));
    for (const byteOffset of [2n ** 53n, 2n ** 63n, 2n ** 64n - 32n]) {
      await refusal('E_GGUF_TENSOR_OFFSET', () => parse(at(byteOffset)));
    }
    await parse(at(128));
  });

  it('prints no control characters of a hostile name', async () => {
    const name = '\u001b[31m\u202Ered\u0007';
    const error = await refusal('E_GGUF_DUPLICATE_TENSOR', () =>
      parse(encodeGguf({ entries: [], tensors: [tensor(name), tensor(name)] })),
    );
    expect(error.message).toBe('model.gguf: tensor "\\u001b[31m\\u{202e}red\\u0007" occurs twice.');
  });
});

describe('parseGguf answers or refuses, never anything else,', () => {
  const survives = async (bytes: Uint8Array): Promise<void> => {
    try {
      await parse(bytes);
    } catch (error) {
      if (!(error instanceof RefuteError)) throw error;
    }
  };

  it('on random bytes', async () => {
    const magic = encodeGguf(plain).subarray(0, 8);
    const property = fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
      await survives(bytes);
      await survives(Buffer.concat([magic, bytes]));
    });
    await fc.assert(property, { numRuns: 300 });
  });

  it('on a file with bytes changed, dropped or doubled', async () => {
    const whole = encodeGguf({
      entries: [
        entry,
        ggufEntry('general.alignment', 'u32', 64),
        ggufEntry('l', 'string[]', ['a', 'bc']),
        ggufEntry('n', 'f32[]', [1, 2]),
      ],
      alignment: 64,
      tensors: [tensor('a'), tensor('b', 17), tensor('c', 1)],
    });
    const edit = fc.record({
      at: fc.nat({ max: whole.byteLength - 1 }),
      kind: fc.constantFrom('set', 'drop', 'double', 'wide'),
      value: fc.integer({ min: 0, max: 255 }),
    });
    const property = fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 6 }), async (edits) => {
      let bytes = [...whole];
      for (const { at, kind, value } of edits) {
        if (kind === 'set') bytes[at % bytes.length] = value;
        else if (kind === 'drop') bytes.splice(at, value);
        else if (kind === 'double') bytes.splice(at, 0, ...bytes.slice(at, at + value));
        else bytes = bytes.toSpliced(at, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, value);
        if (bytes.length === 0) bytes = [0];
      }
      await survives(Uint8Array.from(bytes));
    });
    await fc.assert(property, { numRuns: 500 });
  });
});
