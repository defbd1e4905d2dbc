// Which format a file has, decided by its first bytes alone: file names lie.
import { RefuteError } from '../../errors.ts';
import type { ByteSource } from '../io/byte-source.ts';

export type FormatName = 'gguf' | 'apr' | 'aprt' | 'safetensors' | 'npy' | 'unknown';

/** Enough for every test below. */
const SNIFF_BYTES = 64;

/** APR v2 ends its magic in 0; `2`, `1` and `N` are older writers' spellings of the fourth byte. */
const APR_MAGICS = ['APR\0', 'APR2', 'APR1', 'APRN'];

/** @param bytes the first 64 bytes of a file, or all of a shorter one */
function sniffFormat(bytes: Uint8Array): FormatName {
  const start = latin1(bytes.subarray(0, 4));
  if (start === 'GGUF') return 'gguf';
  if (start === 'APRT') return 'aprt';
  if (start === '\u0093NUM') return 'npy';
  if (APR_MAGICS.includes(start)) return 'apr';
  // Length of a JSON header (u64, far below 2^40) and the JSON itself.
  const isSafetensors = bytes.byteLength >= 9 && bytes[8] === 0x7b && bytes.subarray(5, 8).every((byte) => byte === 0);
  return isSafetensors ? 'safetensors' : 'unknown';
}

export async function readFormat(source: ByteSource): Promise<FormatName> {
  return sniffFormat(await firstBytes(source));
}

/** @throws RefuteError E_FORMAT, naming what the file is instead */
export async function assertFormat(source: ByteSource, wanted: FormatName): Promise<void> {
  const bytes = await firstBytes(source);
  const found = sniffFormat(bytes);
  if (found === wanted) return;
  const is = found === 'unknown' ? describeUnknown(bytes) : `this is ${article(found)} file`;
  throw new RefuteError({ code: 'E_FORMAT', place: source.path, is, allowed: `${article(wanted)} file is needed` });
}

async function firstBytes(source: ByteSource): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.min(SNIFF_BYTES, source.byteLength));
  await source.read(0, bytes);
  return bytes;
}

/** The usual accidents by name; else the bytes. */
function describeUnknown(bytes: Uint8Array): string {
  const text = latin1(bytes);
  if (bytes.byteLength === 0) return 'the file is empty';
  if (text.startsWith('version https://git-lfs')) return 'this is a Git LFS pointer, not the data it points to';
  if (/^\s*<(!doctype|html)/i.test(text)) return 'this is a web page, probably an error page saved by a download';
  if (bytes.every((byte) => byte === 0)) return 'the file begins with zeros';
  const hex = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `the file begins with the bytes ${hex}`;
}

function article(format: FormatName): string {
  const shown = format === 'gguf' || format === 'apr' || format === 'aprt' ? format.toUpperCase() : format;
  return /^[an]/i.test(shown) ? `an ${shown}` : `a ${shown}`;
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
