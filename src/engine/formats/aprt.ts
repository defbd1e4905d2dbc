// APRT, one captured tensor: "APRT" | layer u32 (0xFFFFFFFF = whole model) | element count u32 | f32 × count, all
// little-endian. The bits of every element are kept: NaN payloads, −0, subnormals. The file knows neither its shape
// nor its stage; the manifest of its folder does.
import { RefuteError } from '../../errors.ts';
import { quoted } from './quoted.ts';

export const APRT_HEADER_BYTES = 12;
const MAGIC = 0x54_52_50_41; // "APRT" read as a little-endian u32
const WHOLE_MODEL = 0xff_ff_ff_ff;
const MAX_ELEMENTS = 0xff_ff_ff_ff;

export interface AprtTensor {
  /** null: of the whole model. */
  layer: number | null;
  data: Float32Array;
}

/** The first twelve bytes. @throws RefuteError E_APRT_TOO_LARGE above 2^32 − 1 elements, E_APRT_LAYER */
export function encodeAprtHeader(layer: number | null, elementCount: number): Uint8Array {
  if (!(elementCount <= MAX_ELEMENTS)) {
    const is = `${elementCount} elements`;
    const allowed = `the format counts up to ${MAX_ELEMENTS}`;
    throw new RefuteError({ code: 'E_APRT_TOO_LARGE', place: 'APRT', is, allowed, next: 'Capture fewer positions' });
  }
  if (layer !== null && !(Number.isInteger(layer) && layer >= 0 && layer < WHOLE_MODEL)) {
    const is = `layer ${layer}`;
    throw new RefuteError({ code: 'E_APRT_LAYER', place: 'APRT', is, allowed: `0 to ${WHOLE_MODEL - 1}` });
  }
  const header = new DataView(new ArrayBuffer(APRT_HEADER_BYTES));
  header.setUint32(0, MAGIC, true);
  header.setUint32(4, layer ?? WHOLE_MODEL, true);
  header.setUint32(8, elementCount, true);
  return new Uint8Array(header.buffer);
}

/** The elements' own bytes, in the machine's order: little-endian on everything that this product runs on. */
export function elementBytes(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

export interface AprtHeader {
  /** null: of the whole model. */
  layer: number | null;
  elementCount: number;
}

/**
 * The header alone, for a file too long to hold.
 *
 * @param bytes the first twelve bytes, or all of a shorter file
 * @param place how the file is named in messages
 * @throws RefuteError E_APRT_TRUNCATED below twelve bytes, E_APRT_BAD_MAGIC, E_APRT_BODY_LENGTH where the body is not
 *   what the header counts
 */
export function parseAprtHeader(bytes: Uint8Array, fileLength: number, place = 'APRT'): AprtHeader {
  if (bytes.byteLength < APRT_HEADER_BYTES) {
    const allowed = `the header alone has ${APRT_HEADER_BYTES}`;
    throw new RefuteError({ code: 'E_APRT_TRUNCATED', place, is: `the file has ${bytes.byteLength} bytes`, allowed });
  }
  const header = new DataView(bytes.buffer, bytes.byteOffset, APRT_HEADER_BYTES);
  if (header.getUint32(0, true) !== MAGIC) {
    const found = quoted(String.fromCharCode(...bytes.subarray(0, 4)));
    const is = `the file begins with ${found}`;
    throw new RefuteError({ code: 'E_APRT_BAD_MAGIC', place, is, allowed: 'APRT files begin with "APRT"' });
  }
  const elementCount = header.getUint32(8, true);
  const bodyLength = fileLength - APRT_HEADER_BYTES;
  if (bodyLength !== elementCount * 4) {
    const is = `the header counts ${elementCount} elements, ${elementCount * 4} bytes, and ${bodyLength} bytes follow`;
    throw new RefuteError({ code: 'E_APRT_BODY_LENGTH', place, is });
  }
  const layer = header.getUint32(4, true);
  return { layer: layer === WHOLE_MODEL ? null : layer, elementCount };
}

/** A whole file at once. The elements lie in `bytes` where they can. @throws RefuteError as `parseAprtHeader` */
export function parseAprt(bytes: Uint8Array, place = 'APRT'): AprtTensor {
  const { layer, elementCount } = parseAprtHeader(bytes, bytes.byteLength, place);
  const at = bytes.byteOffset + APRT_HEADER_BYTES;
  // Looked at where it lies; only floats that begin between two words have to be copied.
  const data =
    at % 4 === 0
      ? new Float32Array(bytes.buffer, at, elementCount)
      : new Float32Array(bytes.slice(APRT_HEADER_BYTES).buffer, 0, elementCount);
  return { layer, data };
}
