// Writes GGUF v3: what a model is exported and quantised with, and what tests and falsifiers build files with. It
// computes sizes and offsets but judges nothing: duplicate names, wrong dimensions and overridden offsets are written
// as asked, so that a reader can be shown a file it must refuse.
import { byteLengthOf, TENSOR_TYPES, type TensorTypeName } from './tensor-types.ts';
import { DEFAULT_ALIGNMENT } from './gguf-limits.ts';
import { GGUF_VALUE_TYPES, MIN_VALUE_BYTES, type GgufValueType } from './gguf-types.ts';
import type { GgufEntry, GgufValue } from './gguf-values.ts';

export interface GgufTensorInput {
  name: string;
  type: TensorTypeName;
  /** Row-major: [rows, columns]; written in GGML's order, columns first. */
  shape: readonly number[];
  /** Instead of the type's own GGML number. */
  ggmlId?: number;
  /** From the start of the data, instead of the next aligned place. */
  byteOffset?: number | bigint;
}

export interface GgufImage {
  entries: readonly GgufEntry[];
  tensors: readonly (GgufTensorInput & { data: Uint8Array })[];
  /** Multiple that tensors start at; 32 when absent. Add an entry `general.alignment` to make a reader know it. */
  alignment?: number;
  version?: number;
}

/** A metadata entry; `string[]` and the like are arrays. */
export function ggufEntry(key: string, type: GgufValueType | `${GgufValueType}[]`, value: GgufValue): GgufEntry {
  const isArray = type.endsWith('[]');
  const valueType = (isArray ? type.slice(0, -2) : type) as GgufValueType;
  return isArray
    ? { key, type: 'array', elementType: valueType, value }
    : { key, type: valueType, elementType: null, value };
}

/** A whole file in memory. */
export function encodeGguf(image: GgufImage): Uint8Array {
  const { header, tensorOffsets } = encodeGgufHeader(image);
  const ends = image.tensors.map(({ data }, i) => header.byteLength + (tensorOffsets[i] ?? 0) + data.byteLength);
  const file = new Uint8Array(Math.max(header.byteLength, ...ends));
  file.set(header);
  for (const [i, { data }] of image.tensors.entries()) file.set(data, header.byteLength + (tensorOffsets[i] ?? 0));
  return file;
}

/**
 * Everything before the data, padded; the data follows as tensor 0, padding, tensor 1, …
 *
 * @returns the offset of each tensor's data from the end of the header. An overridden offset is written into the
 *   header only: the data stays where it would have been.
 */
export function encodeGgufHeader(image: Omit<GgufImage, 'tensors'> & { tensors: readonly GgufTensorInput[] }): {
  header: Uint8Array;
  tensorOffsets: number[];
} {
  const alignment = image.alignment ?? DEFAULT_ALIGNMENT;
  const out = new ByteList();
  out.bytes(new TextEncoder().encode('GGUF'));
  out.u32(image.version ?? 3);
  out.u64(image.tensors.length);
  out.u64(image.entries.length);
  for (const { key, type, elementType, value } of image.entries) {
    out.string(key);
    out.u32(GGUF_VALUE_TYPES.indexOf(type));
    if (elementType === null) out.value(type, value);
    else out.array(elementType, value as GgufValue[]);
  }
  const tensorOffsets: number[] = [];
  let nextOffset = 0;
  for (const { name, type, shape, ggmlId, byteOffset } of image.tensors) {
    out.string(name);
    out.u32(shape.length);
    for (const dimension of shape.toReversed()) out.u64(dimension);
    out.u32(ggmlId ?? TENSOR_TYPES[type].ggmlId);
    out.u64(byteOffset ?? nextOffset);
    tensorOffsets.push(nextOffset);
    const elementCount = shape.reduce((product, dimension) => product * dimension, 1);
    nextOffset = alignUp(nextOffset + byteLengthOf(type, elementCount), alignment);
  }
  out.padTo(alignUp(out.byteLength, alignment));
  return { header: out.finish(), tensorOffsets };
}

function alignUp(byteOffset: number, alignment: number): number {
  return Math.ceil(byteOffset / alignment) * alignment;
}

/** A growing buffer of little-endian numbers. */
class ByteList {
  #buffer = new Uint8Array(4_096);
  byteLength = 0;

  finish(): Uint8Array {
    return this.#buffer.slice(0, this.byteLength);
  }

  bytes(bytes: Uint8Array): void {
    const start = this.#grow(bytes.byteLength);
    this.#buffer.set(bytes, start);
  }

  padTo(byteLength: number): void {
    this.#grow(byteLength - this.byteLength);
  }

  u32(value: number): void {
    this.#number('u32', value);
  }

  u64(value: number | bigint): void {
    this.#number('u64', value);
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u64(bytes.byteLength);
    this.bytes(bytes);
  }

  array(elementType: GgufValueType, values: readonly GgufValue[]): void {
    this.u32(GGUF_VALUE_TYPES.indexOf(elementType));
    this.u64(values.length);
    for (const value of values) this.value(elementType, value);
  }

  /** Arrays within arrays are written as arrays of strings or f32; nobody needs more. */
  value(type: GgufValueType, value: GgufValue): void {
    if (type === 'string') this.string(value as string);
    else if (type === 'array')
      this.array(typeof (value as GgufValue[])[0] === 'string' ? 'string' : 'f32', value as GgufValue[]);
    else this.#number(type, value as number | bigint | boolean);
  }

  #number(type: Exclude<GgufValueType, 'string' | 'array'>, value: number | bigint | boolean): void {
    const start = this.#grow(MIN_VALUE_BYTES[type]);
    const view = new DataView(this.#buffer.buffer, start);
    switch (type) {
      case 'u8':
      case 'bool':
        return view.setUint8(0, Number(value));
      case 'i8':
        return view.setInt8(0, Number(value));
      case 'u16':
        return view.setUint16(0, Number(value), true);
      case 'i16':
        return view.setInt16(0, Number(value), true);
      case 'u32':
        return view.setUint32(0, Number(value), true);
      case 'i32':
        return view.setInt32(0, Number(value), true);
      case 'f32':
        return view.setFloat32(0, Number(value), true);
      case 'f64':
        return view.setFloat64(0, Number(value), true);
      case 'u64':
        return view.setBigUint64(0, BigInt(value), true);
      case 'i64':
        return view.setBigInt64(0, BigInt(value), true);
    }
  }

  #grow(byteLength: number): number {
    const start = this.byteLength;
    this.byteLength += byteLength;
    if (this.byteLength > this.#buffer.byteLength) {
      const larger = new Uint8Array(Math.max(this.byteLength, this.#buffer.byteLength * 2));
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    return start;
  }
}
