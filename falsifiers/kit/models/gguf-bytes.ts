// Writes GGUF files byte by byte from the published specification, well formed or broken on purpose. It shares no code
// with the product's reader or writer, so that both can be judged with it. Layout:
//
//   magic "GGUF" | version u32 | tensor count u64 | metadata count u64 | metadata… | tensor infos… | padding | data
//   metadata: key string | type u32 | value;  string: length u64 | UTF-8 bytes;  array: type u32 | count u64 | values
//   tensor info: name string | dimension count u32 | dimensions u64… (contiguous first) | type u32 | offset u64
//
// All little-endian. Offsets are relative to the start of the data, which is aligned as every tensor in it is.

const GGUF_VALUE_TYPES = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
} as const;

export type GgufScalar =
  | { type: 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'f64'; value: number }
  | { type: 'u64' | 'i64'; value: bigint }
  | { type: 'bool'; value: boolean }
  | { type: 'string'; value: string };

export type GgufValue =
  | GgufScalar
  | { type: 'array'; of: GgufScalar['type']; values: readonly GgufScalar['value'][] }
  /** A value spelled in bytes, for shapes that the others cannot say. */
  | { type: 'raw'; typeId: number; bytes: Uint8Array };

export interface GgufEntry {
  key: string;
  value: GgufValue;
}

export interface GgufTensor {
  name: string;
  /** GGUF order: contiguous dimension first. */
  dimensions: readonly number[];
  typeId: number;
  bytes: Uint8Array;
}

export interface GgufPlan {
  version?: number;
  alignment?: number;
  metadata: readonly GgufEntry[];
  tensors: readonly GgufTensor[];
}

export interface GgufFile {
  bytes: Uint8Array;
  /**
   * Where each field stands, for whoever wants to break it: `version`, `tensorCount`, `metadataCount`, `key:<i>`,
   * `valueType:<i>`, `value:<i>`, `name:<i>`, `dimensionCount:<i>`, `dimension:<i>:<d>`, `type:<i>`, `offset:<i>`, `data`.
   */
  marks: ReadonlyMap<string, number>;
}

class ByteWriter {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  #reserve(byteLength: number): number {
    const start = this.length;
    this.length += byteLength;
    if (this.length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return start;
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }

  u64(value: bigint): void {
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, value, true);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u64(BigInt(bytes.length));
    this.raw(bytes);
  }

  scalar(type: GgufScalar['type'], value: GgufScalar['value']): void {
    if (type === 'string') return this.string(value as string);
    if (type === 'bool') return this.raw(Uint8Array.of(value === true ? 1 : 0));
    if (type === 'u64') return this.u64(value as bigint);
    const byteLength = { u8: 1, i8: 1, u16: 2, i16: 2, u32: 4, i32: 4, f32: 4, i64: 8, f64: 8 }[type];
    const at = this.#reserve(byteLength);
    switch (type) {
      case 'u8':
        return this.#view.setUint8(at, value as number);
      case 'i8':
        return this.#view.setInt8(at, value as number);
      case 'u16':
        return this.#view.setUint16(at, value as number, true);
      case 'i16':
        return this.#view.setInt16(at, value as number, true);
      case 'u32':
        return this.#view.setUint32(at, value as number, true);
      case 'i32':
        return this.#view.setInt32(at, value as number, true);
      case 'f32':
        return this.#view.setFloat32(at, value as number, true);
      case 'f64':
        return this.#view.setFloat64(at, value as number, true);
      case 'i64':
        return this.#view.setBigInt64(at, value as bigint, true);
    }
  }

  pad(alignment: number): void {
    this.raw(new Uint8Array((alignment - (this.length % alignment)) % alignment));
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }
}

/** The file that a plan describes; every tensor starts at the next multiple of the alignment. */
export function ggufFile(plan: GgufPlan): GgufFile {
  const { version = 3, alignment = 32, metadata, tensors } = plan;
  const marks = new Map<string, number>();
  const out = new ByteWriter();
  const mark = (name: string): void => void marks.set(name, out.length);

  out.raw(new TextEncoder().encode('GGUF'));
  mark('version');
  out.u32(version);
  mark('tensorCount');
  out.u64(BigInt(tensors.length));
  mark('metadataCount');
  out.u64(BigInt(metadata.length));
  for (const [i, { key, value }] of metadata.entries()) {
    mark(`key:${i}`);
    out.string(key);
    mark(`valueType:${i}`);
    out.u32(value.type === 'raw' ? value.typeId : GGUF_VALUE_TYPES[value.type]);
    mark(`value:${i}`);
    if (value.type === 'raw') {
      out.raw(value.bytes);
    } else if (value.type === 'array') {
      out.u32(GGUF_VALUE_TYPES[value.of]);
      out.u64(BigInt(value.values.length));
      for (const item of value.values) out.scalar(value.of, item);
    } else {
      out.scalar(value.type, value.value);
    }
  }
  let offset = 0;
  for (const [i, tensor] of tensors.entries()) {
    mark(`name:${i}`);
    out.string(tensor.name);
    mark(`dimensionCount:${i}`);
    out.u32(tensor.dimensions.length);
    for (const [d, dimension] of tensor.dimensions.entries()) {
      mark(`dimension:${i}:${d}`);
      out.u64(BigInt(dimension));
    }
    mark(`type:${i}`);
    out.u32(tensor.typeId);
    mark(`offset:${i}`);
    out.u64(BigInt(offset));
    offset = Math.ceil((offset + tensor.bytes.length) / alignment) * alignment;
  }
  out.pad(alignment);
  mark('data');
  for (const tensor of tensors) {
    out.pad(alignment);
    out.raw(tensor.bytes);
  }
  return { bytes: out.done(), marks };
}

export function text(key: string, value: string): GgufEntry {
  return { key, value: { type: 'string', value } };
}

export function u32(key: string, value: number): GgufEntry {
  return { key, value: { type: 'u32', value } };
}

export function f32(key: string, value: number): GgufEntry {
  return { key, value: { type: 'f32', value } };
}

/** A copy of `bytes` with `value` written as a little-endian u32 or u64 at `at`. */
export function withField(bytes: Uint8Array, at: number, width: 4 | 8, value: bigint): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  if (width === 4) view.setUint32(at, Number(value), true);
  else view.setBigUint64(at, BigInt.asUintN(64, value), true);
  return copy;
}
