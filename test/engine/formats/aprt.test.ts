// How stage files and others are refused and recognised. Bytes and bits are FALSIFY-APRT-001 and -002.
import { describe, expect, it } from 'vitest';
import { aprtFile } from '../../../falsifiers/kit/models/aprt-file.ts';
import { parseAprt, encodeAprtHeader } from '../../../src/engine/formats/aprt.ts';
import { readFormat } from '../../../src/engine/formats/magic.ts';
import { MemoryByteSource } from '../../../src/engine/io/byte-source.ts';
import { refusal } from '../../fixtures/refusal.ts';

describe('APRT', () => {
  it('refuses a cut header, another magic and a body of another length', async () => {
    const bytes = aprtFile({ layer: 0, data: Float32Array.of(1, 2, 3) });
    for (let length = 0; length < 12; length += 1) {
      await refusal('E_APRT_TRUNCATED', () => parseAprt(bytes.subarray(0, length)));
    }
    for (const length of [12, 13, 23]) await refusal('E_APRT_BODY_LENGTH', () => parseAprt(bytes.subarray(0, length)));
    const error = await refusal('E_APRT_BODY_LENGTH', () =>
      parseAprt(Buffer.concat([bytes, Buffer.alloc(1)]), 'x.bin'),
    );
    expect(error.message).toBe('x.bin: the header counts 3 elements, 12 bytes, and 13 bytes follow.');
    await refusal('E_APRT_BAD_MAGIC', () => parseAprt(Uint8Array.from(bytes, (byte, i) => (i === 3 ? 0x55 : byte))));
    await refusal('E_APRT_TOO_LARGE', () => encodeAprtHeader(0, 2 ** 32));
    await refusal('E_APRT_TOO_LARGE', () => encodeAprtHeader(0, Number.NaN));
    for (const layer of [-1, 0.5, 0xff_ff_ff_ff]) await refusal('E_APRT_LAYER', () => encodeAprtHeader(layer, 0));
  });
});

describe('readFormat', () => {
  it.each([
    ['gguf', 'GGUF\u0003\0\0\0'],
    ['apr', 'APR\0\u0002\0'],
    ['apr', 'APR2'],
    ['apr', 'APRN'],
    ['aprt', 'APRT'],
    ['safetensors', '\u0010\u0002\0\0\0\0\0\0{"a":'],
    ['unknown', '\u0010\u0002\0\0\0\0\0\u0001{"a":'],
    ['unknown', 'APRX'],
    ['unknown', 'GGU'],
    ['unknown', ''],
  ] as const)('finds %s', async (format, text) => {
    const source = new MemoryByteSource(Buffer.from(text, 'latin1'), 'file');
    expect(await readFormat(source)).toBe(format);
  });
});
