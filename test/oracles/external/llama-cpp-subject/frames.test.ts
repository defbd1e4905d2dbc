// Frames survive a pipe that cuts them anywhere, and one that ends too early loses the last of them.
import { openSync, closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readFrames, writeFrame } from '../../../../src/oracles/external/llama-cpp-subject/frames.ts';
import { temporaryFolder } from '../../../fixtures/temporary-folder.ts';

const SEED = 20_261_127;
const folder = await temporaryFolder();

function written(frames: readonly { head: unknown; payload: Uint8Array }[]): Uint8Array {
  const path = join(folder, 'frames');
  const file = openSync(path, 'w');
  for (const { head, payload } of frames) writeFrame(file, head, payload);
  closeSync(file);
  return readFileSync(path);
}

async function readIn(pieces: Iterable<Uint8Array>): Promise<unknown[]> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield* pieces;
  }
  return Array.fromAsync(readFrames(chunks()));
}

function* cut(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  let at = 0;
  for (const length of [...lengths, bytes.length]) yield bytes.subarray(at, (at += length));
}

const frame = fc.record({ head: fc.record({ type: fc.string() }), payload: fc.uint8Array({ maxLength: 300 }) });

test('what is read is what was written, wherever it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(frame), fc.array(fc.nat(200)), async (frames, lengths) => {
      expect(await readIn(cut(written(frames), lengths))).toEqual(frames);
    }),
    { seed: SEED },
  );
});

test('a frame that the end cuts off is not given', async () => {
  const frames = [1, 2].map((n) => ({ head: { n }, payload: Uint8Array.of(n) }));
  expect(await readIn([written(frames).subarray(0, -1)])).toEqual(frames.slice(0, 1));
});

test('a payload of floats is aligned, whatever lies before it', async () => {
  const payload = new Uint8Array(Float32Array.of(1.5, -2).buffer);
  const frames = ['a', 'bc', 'def', 'ghij'].map((head) => ({ head, payload }));
  for (const read of (await readIn([written(frames)])) as typeof frames) {
    expect([...new Float32Array(read.payload.buffer)]).toEqual([1.5, -2]);
  }
});
