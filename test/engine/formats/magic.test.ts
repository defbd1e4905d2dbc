// Files that are taken for models: what they are is said in words, from their first bytes alone.
import { describe, expect, test } from 'vitest';
import { assertFormat, readFormat } from '../../../src/engine/formats/magic.ts';
import { MemoryByteSource } from '../../../src/engine/io/byte-source.ts';
import { refusal } from '../../fixtures/refusal.ts';

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

const OTHERS: readonly (readonly [start: string, says: string])[] = [
  ['', 'the file is empty; a GGUF file is needed.'],
  ['version https://git-lfs.github.com/spec/v1\n', 'Git LFS pointer'],
  ['\n<!DOCTYPE html><title>404</title>', 'a web page'],
  ['FUGG\0\0\0\u0003', 'its magic reversed'],
  ['tjgg\u0003\0\0\0', 'a format that llama.cpp had before GGUF'],
  ['PK\u0003\u0004', 'a ZIP archive, as torch.save writes'],
  ['\u0080\u0002}q\0', 'a Python pickle'],
  ['\u0008\u0007\u0012\u0007pytorch', 'an ONNX model'],
  ['\u0089HDF\r\n', 'an HDF5 file'],
  ['\u001c\0\0\0TFL3', 'a TensorFlow Lite model'],
  ['\u001f\u008b\u0008', 'a gzip archive'],
  ['\u0089PNG\r\n', 'a picture'],
  ['\u007fELF', 'a program'],
  ['import torch\n', 'this is text, beginning "import torch\\n"'],
  ['\0\0\0\0', 'the file begins with zeros'],
  ['\u0001\u0002GGUF', 'the file begins with the bytes 01 02 47 47'],
];

describe('a file that is no model', () => {
  test.each(OTHERS)('beginning %j', async (start, says) => {
    const source = new MemoryByteSource(latin1(start), 'f.bin');
    expect(await readFormat(source)).toBe('unknown');
    const { message } = await refusal('E_FORMAT', () => assertFormat(source, 'gguf'));
    expect(message).toContain(says);
    expect(message.includes('Models are read from GGUF files, and from folders')).toBe(start !== '');
  });
});

test('a format that is known is named, and one that was wanted passes', async () => {
  const npy = new MemoryByteSource(latin1('\u0093NUMPY\u0001\0'), 'a.npy');
  expect((await refusal('E_FORMAT', () => assertFormat(npy, 'gguf'))).message).toContain('this is an npy file');
  const gguf = new MemoryByteSource(latin1('GGUF\u0003\0\0\0'), 'a.gguf');
  await expect(assertFormat(gguf, 'gguf')).resolves.toBeUndefined();
});
