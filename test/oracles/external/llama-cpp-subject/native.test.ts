// Bytes read at an address, however many they are: logits of a long prompt are more than one reading may give.
import { expect, it } from 'vitest';
import { addressOf, bytesAt } from '../../../../src/oracles/external/llama-cpp-subject/native.ts';

it('bytes at an address are read whole beyond what one reading may give, 64 MiB', () => {
  const given = new Uint32Array(20 * 2 ** 20 + 3);
  for (let i = 0; i < given.length; i += 1) given[i] = 2_654_435_761 * i;
  const read = bytesAt(addressOf(given), given.byteLength);
  expect(read.byteLength).toBe(given.byteLength);
  expect(Buffer.compare(read, new Uint8Array(given.buffer))).toBe(0);
  expect(bytesAt(addressOf(given), 0).byteLength).toBe(0);
});
