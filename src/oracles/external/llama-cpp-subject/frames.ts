// Frames on a pipe: u32 length of a JSON text, u32 length of a payload, then the two. Little-endian. The writing side is
// synchronous: a slow reader holds the writer, so that nothing piles up in between.
import { writeSync } from 'node:fs';

export interface Frame<Head> {
  head: Head;
  payload: Uint8Array;
}

/** Of the child: beside stdin, stdout and stderr. */
export const ANSWERS_DESCRIPTOR = 3;

const LENGTHS_BYTES = 8;

export function writeFrame(descriptor: number, head: unknown, payload: Uint8Array = new Uint8Array(0)): void {
  const json = new TextEncoder().encode(JSON.stringify(head));
  const lengths = new Uint8Array(Uint32Array.of(json.byteLength, payload.byteLength).buffer);
  for (const bytes of [lengths, json, payload]) writeAll(descriptor, bytes);
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength;) done += writeSync(descriptor, bytes, done);
}

/** @param chunks what a pipe gives, cut anywhere. A frame that the end cuts off is left out. */
export async function* readFrames<Head>(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Frame<Head>, void> {
  let held: Uint8Array[] = [];
  let heldLength = 0;
  let wanted = LENGTHS_BYTES;
  let lengths: Uint32Array | null = null;
  for await (const chunk of chunks) {
    held.push(chunk);
    heldLength += chunk.byteLength;
    while (heldLength >= wanted) {
      const bytes = Buffer.concat(held, heldLength);
      const part = bytes.subarray(0, wanted);
      held = [bytes.subarray(wanted)];
      heldLength -= wanted;
      if (lengths === null) {
        lengths = new Uint32Array(Uint8Array.from(part).buffer);
        wanted = (lengths[0] ?? 0) + (lengths[1] ?? 0);
        continue;
      }
      const [jsonLength = 0] = lengths;
      const head = JSON.parse(new TextDecoder().decode(part.subarray(0, jsonLength))) as Head;
      lengths = null;
      wanted = LENGTHS_BYTES;
      // A copy of its own: the receiver keeps it, and floats must be aligned.
      yield { head, payload: Uint8Array.from(part.subarray(jsonLength)) };
    }
  }
}
