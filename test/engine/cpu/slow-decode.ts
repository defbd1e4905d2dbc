// The tensor types once more, element by element and in double, from the format's description. Shares no code and no
// arithmetic with the kernels. Every intermediate product fits a double exactly; the one rounding is at the end.
import type { TensorTypeName } from '../../../src/engine/formats/tensor-types.ts';

/** The value of an f16, exactly. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : Number.NaN;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** Element `i` of the block at `offset`. */
export function slowDecode(type: TensorTypeName, bytes: DataView, offset: number, i: number): number {
  const u8 = (at: number): number => bytes.getUint8(offset + at);
  const i8 = (at: number): number => bytes.getInt8(offset + at);
  const half = (at: number): number => halfValue(bytes.getUint16(offset + at, true));
  const nibble = (first: number): number => (i < 16 ? u8(first + i) & 15 : u8(first + i - 16) >> 4);
  const fifthBit = (first: number): number => ((u8(first + (i >> 3)) >> (i & 7)) & 1) << 4;
  switch (type) {
    case 'f32':
      return bytes.getFloat32(offset, true);
    case 'f16':
      return half(0);
    case 'bf16': {
      const wide = new DataView(new ArrayBuffer(4));
      wide.setUint16(2, bytes.getUint16(offset, true), true);
      return wide.getFloat32(0, true);
    }
    case 'q8_0':
      return Math.fround(half(0) * i8(2 + i));
    case 'q4_0':
      return Math.fround(half(0) * (nibble(2) - 8));
    case 'q4_1':
      return Math.fround(half(0) * nibble(4) + half(2));
    case 'q5_0':
      return Math.fround(half(0) * ((nibble(6) | fifthBit(2)) - 16));
    case 'q5_1':
      return Math.fround(half(0) * (nibble(8) | fifthBit(4)) + half(2));
    case 'q4_k':
    case 'q5_k': {
      const j = i >> 5;
      const [scale, min] = scaleAndMin(u8, j);
      const quants = type === 'q4_k' ? 16 : 48;
      const byte = u8(quants + 32 * (j >> 1) + (i & 31));
      const fifth = type === 'q5_k' ? ((u8(16 + (i & 31)) >> j) & 1) << 4 : 0;
      const q = (j & 1 ? byte >> 4 : byte & 15) | fifth;
      return Math.fround(half(0) * scale * q - half(2) * min);
    }
    case 'q6_k': {
      const [part, quarter, l] = [i >> 7, (i >> 5) & 3, i & 31];
      const byte = u8(64 * part + l + (quarter & 1 ? 32 : 0));
      const upper = (u8(128 + 32 * part + l) >> (2 * quarter)) & 3;
      const q = ((quarter >= 2 ? byte >> 4 : byte & 15) | (upper << 4)) - 32;
      return Math.fround(half(208) * i8(192 + (i >> 4)) * q);
    }
  }
}

/** The 6-bit scale and min of sub-block j, from the twelve bytes after d and dmin. */
function scaleAndMin(u8: (at: number) => number, j: number): [scale: number, min: number] {
  if (j < 4) return [u8(4 + j) & 63, u8(8 + j) & 63];
  return [(u8(8 + j) & 15) + 16 * (u8(j) >> 6), (u8(8 + j) >> 4) + 16 * (u8(4 + j) >> 6)];
}
