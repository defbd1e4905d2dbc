// Text as byte-level tokenizers write it: one printable character for each byte of its UTF-8, and back.
import { BYTE_ALPHABET } from '../byte-alphabet.ts';

const byteOf: ReadonlyMap<string, number> = new Map(BYTE_ALPHABET.map((character, byte) => [character, byte]));

export function bytesAsText(text: string): string {
  // What is printable ASCII stands for itself.
  if (/^[!-~]*$/.test(text)) return text;
  let result = '';
  for (const byte of new TextEncoder().encode(text)) result += BYTE_ALPHABET[byte] ?? '';
  return result;
}

/** A token with a character outside the alphabet stands for its own UTF-8. */
export function bytesOfToken(token: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = byteOf.get(character);
    if (byte === undefined) return new TextEncoder().encode(token);
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}
