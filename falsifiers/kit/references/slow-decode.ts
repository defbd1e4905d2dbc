// What the stored blocks mean, one element at a time, in exact double arithmetic and nothing shared with the engine, not
// even the float16 decoder. Every product below has at most 24 significant bits and every sum spans less than 53, so the
// double is the exact value, and `Math.fround` of it is the one correctly rounded float32. Source of the layouts: the
// GGUF specification and the block structs of ggml; checked against an independent decoder's vectors by quant-decode-v1.

export type StoredType = 'f32' | 'f16' | 'bf16' | 'q4_0' | 'q4_1' | 'q5_0' | 'q5_1' | 'q8_0' | 'q4_k' | 'q5_k' | 'q6_k';

interface Layout {
  /** GGUF's number for the type. */
  typeId: number;
  elements: number;
  bytes: number;
  /** Value of element i of the block that starts at `at`. */
  element(view: DataView, at: number, i: number): number;
  /** Byte offsets, within the block, of its float16 fields: what a generator must aim at. */
  halves: readonly number[];
}

/** (−1)^s · 2^(e−15) · (1 + m/1024), with the usual subnormals, infinities and NaN. */
export function halfToDouble(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = Math.floor(bits / 1024) % 32;
  const mantissa = bits % 1024;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

const half = (view: DataView, at: number): number => halfToDouble(view.getUint16(at, true));
const byte = (view: DataView, at: number): number => view.getUint8(at);

/** Nibble i of a 32-element block: the first sixteen are the low ones. */
const nibble = (view: DataView, at: number, i: number): number =>
  i < 16 ? byte(view, at + i) % 16 : Math.floor(byte(view, at + i - 16) / 16);

const bit = (view: DataView, at: number, i: number): number =>
  Math.floor(byte(view, at + Math.floor(i / 8)) / 2 ** (i % 8)) % 2;

/** The 6-bit scale and minimum of sub-block j: 0..3 stand whole, 4..7 are split between two bytes. */
function scaleAndMinimum(view: DataView, at: number, j: number): [number, number] {
  if (j < 4) return [byte(view, at + j) % 64, byte(view, at + j + 4) % 64];
  const low = byte(view, at + j + 4);
  return [
    (low % 16) + 16 * Math.floor(byte(view, at + j - 4) / 64),
    Math.floor(low / 16) + 16 * Math.floor(byte(view, at + j) / 64),
  ];
}

/** Nibble i of a 256-element block: pairs of 32-element sub-blocks share 32 bytes, the even one in the low half. */
function superNibble(view: DataView, at: number, i: number): number {
  const stored = byte(view, at + 32 * Math.floor(i / 64) + (i % 32));
  return i % 64 < 32 ? stored % 16 : Math.floor(stored / 16);
}

export const LAYOUTS: Readonly<Record<StoredType, Layout>> = {
  f32: { typeId: 0, elements: 1, bytes: 4, halves: [], element: (view, at) => view.getFloat32(at, true) },
  f16: { typeId: 1, elements: 1, bytes: 2, halves: [0], element: half },
  bf16: {
    typeId: 30,
    elements: 1,
    bytes: 2,
    halves: [],
    // A bfloat16 is the upper half of a float32.
    element(view, at) {
      const widened = new DataView(new ArrayBuffer(4));
      widened.setUint16(2, view.getUint16(at, true), true);
      return widened.getFloat32(0, true);
    },
  },
  // d f16 | 16 bytes of nibbles;  d · (q − 8)
  q4_0: {
    typeId: 2,
    elements: 32,
    bytes: 18,
    halves: [0],
    element: (view, at, i) => half(view, at) * (nibble(view, at + 2, i) - 8),
  },
  // d f16 | m f16 | 16 bytes of nibbles;  d · q + m
  q4_1: {
    typeId: 3,
    elements: 32,
    bytes: 20,
    halves: [0, 2],
    element: (view, at, i) => half(view, at) * nibble(view, at + 4, i) + half(view, at + 2),
  },
  // d f16 | 4 bytes of fifth bits | 16 bytes of nibbles;  d · (q − 16)
  q5_0: {
    typeId: 6,
    elements: 32,
    bytes: 22,
    halves: [0],
    element: (view, at, i) => half(view, at) * (nibble(view, at + 6, i) + 16 * bit(view, at + 2, i) - 16),
  },
  // d f16 | m f16 | 4 bytes of fifth bits | 16 bytes of nibbles;  d · q + m
  q5_1: {
    typeId: 7,
    elements: 32,
    bytes: 24,
    halves: [0, 2],
    element: (view, at, i) =>
      half(view, at) * (nibble(view, at + 8, i) + 16 * bit(view, at + 4, i)) + half(view, at + 2),
  },
  // d f16 | 32 signed bytes;  d · q
  q8_0: {
    typeId: 8,
    elements: 32,
    bytes: 34,
    halves: [0],
    element: (view, at, i) => half(view, at) * view.getInt8(at + 2 + i),
  },
  // d f16 | dmin f16 | 12 bytes of scales and minima | 128 bytes of nibbles;  d · sc · q − dmin · m
  q4_k: {
    typeId: 12,
    elements: 256,
    bytes: 144,
    halves: [0, 2],
    element(view, at, i) {
      const [scale, minimum] = scaleAndMinimum(view, at + 4, Math.floor(i / 32));
      return half(view, at) * scale * superNibble(view, at + 16, i) - half(view, at + 2) * minimum;
    },
  },
  // d f16 | dmin f16 | 12 bytes of scales and minima | 32 bytes of fifth bits | 128 bytes of nibbles
  q5_k: {
    typeId: 13,
    elements: 256,
    bytes: 176,
    halves: [0, 2],
    element(view, at, i) {
      const subBlock = Math.floor(i / 32);
      const [scale, minimum] = scaleAndMinimum(view, at + 4, subBlock);
      const fifth = Math.floor(byte(view, at + 16 + (i % 32)) / 2 ** subBlock) % 2;
      return half(view, at) * scale * (superNibble(view, at + 48, i) + 16 * fifth) - half(view, at + 2) * minimum;
    },
  },
  // 128 bytes of low nibbles | 64 bytes of high bit pairs | 16 signed scales | d f16;  d · sc · (q − 32)
  q6_k: {
    typeId: 14,
    elements: 256,
    bytes: 210,
    halves: [208],
    element(view, at, i) {
      const [part, quarter, lane] = [Math.floor(i / 128), Math.floor((i % 128) / 32), i % 32];
      const stored = byte(view, at + 64 * part + 32 * (quarter % 2) + lane);
      const low = quarter < 2 ? stored % 16 : Math.floor(stored / 16);
      const high = Math.floor(byte(view, at + 128 + 32 * part + lane) / 4 ** quarter) % 4;
      const scale = view.getInt8(at + 192 + 8 * part + 2 * quarter + Math.floor(lane / 16));
      return half(view, at + 208) * scale * (low + 16 * high - 32);
    },
  },
};

/** The exact values of whole blocks, in double. */
export function slowDecode(type: StoredType, bytes: Uint8Array): Float64Array {
  const layout = LAYOUTS[type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float64Array((bytes.byteLength / layout.bytes) * layout.elements);
  for (let i = 0; i < values.length; i++) {
    values[i] = layout.element(view, Math.floor(i / layout.elements) * layout.bytes, i % layout.elements);
  }
  return values;
}

/** Bytes of `elementCount` elements that fill whole blocks. */
export function storedByteLength(type: StoredType, elementCount: number): number {
  return (elementCount / LAYOUTS[type].elements) * LAYOUTS[type].bytes;
}
