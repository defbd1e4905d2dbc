// The digest without Node's own hash, as a page takes it.
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { newPortableSha256, newSha256 } from '../../../src/engine/io/sha256.ts';

it.each([0, 1, 55, 56, 64, 1000, 100_003])('of %i bytes in pieces is that of Node', async (byteLength) => {
  const bytes = Uint8Array.from({ length: byteLength }, (_, i) => i * 7);
  const [portable, own] = [await newPortableSha256(), await newSha256()];
  for (let at = 0; at < byteLength; at += 37) {
    portable.update(bytes.subarray(at, at + 37));
    own.update(bytes.subarray(at, at + 37));
  }
  const expected = createHash('sha256').update(bytes).digest('hex');
  expect([portable.digest(), own.digest()]).toEqual([expected, expected]);
});
