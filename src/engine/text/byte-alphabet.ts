// The alphabet of byte-level BPE: each of the 256 bytes stands as one printable character in a vocabulary.
// Printable ASCII and Latin-1 stand for themselves, the other 68 bytes for U+0100, U+0101, … in order.
import { bytesOfText } from '../formats/byte-text.ts';

const PRINTABLE: readonly (readonly [first: number, last: number])[] = [
  [0x21, 0x7e],
  [0xa1, 0xac],
  [0xae, 0xff],
];

function isPrintable(byte: number): boolean {
  return PRINTABLE.some(([first, last]) => byte >= first && byte <= last);
}

const byteOfCharacter: ReadonlyMap<string, number> = buildAlphabet();

function buildAlphabet(): Map<string, number> {
  const alphabet = new Map<string, number>();
  let substitute = 0x100;
  for (let byte = 0; byte < 256; byte += 1) {
    alphabet.set(String.fromCharCode(isPrintable(byte) ? byte : substitute++), byte);
  }
  return alphabet;
}

/** The 256 characters, by byte. */
export const BYTE_ALPHABET: readonly string[] = [...byteOfCharacter]
  .toSorted(([, a], [, b]) => a - b)
  .map(([character]) => character);

/** The bytes that a token's spelling stands for. One that is not all of the alphabet stands for itself. */
export function bytesOfSpelling(spelling: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of spelling) {
    const byte = byteOfCharacter.get(character);
    if (byte === undefined) return bytesOfText(spelling);
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}
