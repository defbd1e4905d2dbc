// Which format a file has, decided by its first bytes alone: file names lie.
import { RefuteError } from '../../errors.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { quoted } from './quoted.ts';

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
  const allowed = `${article(wanted)} file is needed`;
  const isModelWanted = wanted === 'gguf' || wanted === 'safetensors';
  const next = isModelWanted && bytes.byteLength > 0 && found === 'unknown' ? { next: NEXT } : {};
  throw new RefuteError({ code: 'E_FORMAT', place: source.path, is, allowed, ...next });
}

async function firstBytes(source: ByteSource): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.min(SNIFF_BYTES, source.byteLength));
  await source.read(0, bytes);
  return bytes;
}

const NEXT = 'Models are read from GGUF files, and from folders with safetensors and config.json';

/** How files begin that are taken for models. */
const STARTS: readonly (readonly [starts: readonly string[], what: string])[] = [
  [['version https://git-lfs'], 'this is a Git LFS pointer, not the data it points to'],
  [['FUGG'], 'this is a GGUF file with its magic reversed, as a big-endian writer leaves it'],
  [['lmgg', 'fmgg', 'tjgg', 'algg'], 'this is a model in a format that llama.cpp had before GGUF'],
  [['PK\u0003\u0004'], 'this is a ZIP archive, as torch.save writes (.bin, .pt, .pth)'],
  [
    ['\u0080\u0002', '\u0080\u0003', '\u0080\u0004', '\u0080\u0005'],
    'this is a Python pickle, as torch.save wrote it, which is a program and is not read',
  ],
  [['\u0089HDF'], 'this is an HDF5 file, as Keras writes'],
  [['\u001F\u008B'], 'this is a gzip archive'],
  [['(\u00B5/\u00FD', '\u00FD7zXZ', '7z\u00BC\u00AF', 'BZh'], 'this is a compressed archive'],
  [['\u0089PNG', '\u00FF\u00D8\u00FF', 'GIF8'], 'this is a picture'],
  [['%PDF'], 'this is a PDF document'],
  [['\u007FELF', 'MZ'], 'this is a program'],
];

function knownStart(text: string): string | undefined {
  const known = STARTS.find(([starts]) => starts.some((start) => text.startsWith(start)));
  if (known !== undefined) return known[1];
  if (/^\s*<(!doctype|html)/i.test(text)) return 'this is a web page, probably an error page saved by a download';
  if (text.slice(4, 8) === 'TFL3') return 'this is a TensorFlow Lite model';
  // A protocol buffer: field 1 with the version, which is small, then the name of the producer.
  const isOnnx = text.startsWith('\b') && text.charCodeAt(1) <= 0x20 && text.charAt(2) === '\u0012';
  return isOnnx ? 'this looks like an ONNX model' : undefined;
}

/** Of a text file, what stands in its place. @throws RefuteError E_FORMAT */
export function assertOwnText(path: string, text: string): void {
  // A template may begin as a web page does.
  const isPage = path.endsWith('.json') && /^\s*<(!doctype|html)/i.test(text);
  const is = isPage || text.startsWith('version https://git-lfs') ? knownStart(text) : undefined;
  if (is !== undefined) throw new RefuteError({ code: 'E_FORMAT', place: path, is, next: 'Download the file again' });
}

/** The usual accidents by name; else the bytes. */
function describeUnknown(bytes: Uint8Array): string {
  const text = latin1(bytes);
  if (bytes.byteLength === 0) return 'the file is empty';
  const known = knownStart(text);
  if (known !== undefined) return known;
  if (bytes.every((byte) => byte === 0)) return 'the file begins with zeros';
  const hex = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const isText = bytes.every((byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d));
  return isText ? `this is text, beginning ${quoted(text.slice(0, 16))}` : `the file begins with the bytes ${hex}`;
}

function article(format: FormatName): string {
  const shown = format === 'gguf' || format === 'apr' || format === 'aprt' ? format.toUpperCase() : format;
  return /^[an]/i.test(shown) ? `an ${shown}` : `a ${shown}`;
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
