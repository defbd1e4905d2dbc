// A trained GGUF file read without the product, so that a claim about one kernel does not hang on the product's reader.
// For files that are known to be well formed: nothing is checked here. Layout: gguf-bytes.ts, which writes what this reads.

export interface GgufContent {
  /** Numbers and texts by key; arrays are left out. */
  metadata: ReadonlyMap<string, number | string>;
  tensors: readonly TensorInFile[];
}

export interface TensorInFile {
  name: string;
  typeId: number;
  elementCount: number;
  /** From its first byte to the end of the file. */
  bytes: Uint8Array;
}

const STRING = 8;
const ARRAY = 9;

type Read = Extract<keyof DataView, `get${string}`>;
/** Bytes of a number and how it is read, by the specification's number of its type. */
const SCALARS: Readonly<Record<number, readonly [byteLength: number, read: Read]>> = {
  0: [1, 'getUint8'],
  1: [1, 'getInt8'],
  2: [2, 'getUint16'],
  3: [2, 'getInt16'],
  4: [4, 'getUint32'],
  5: [4, 'getInt32'],
  6: [4, 'getFloat32'],
  7: [1, 'getUint8'],
  10: [8, 'getBigUint64'],
  11: [8, 'getBigInt64'],
  12: [8, 'getFloat64'],
};

export function readGguf(file: Uint8Array): GgufContent {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = 8;
  const u32 = (): number => view.getUint32((at += 4) - 4, true);
  const u64 = (): number => Number(view.getBigUint64((at += 8) - 8, true));
  const text = (): string => {
    const length = u64();
    return new TextDecoder().decode(file.subarray(at, (at += length)));
  };
  const value = (type: number): number | string | null => {
    if (type === STRING) return text();
    if (type === ARRAY) {
      const [of, count] = [u32(), u64()];
      for (let i = 0; i < count; i++) value(of);
      return null;
    }
    const [byteLength, read] = SCALARS[type] ?? [0, 'getUint8'];
    return Number(view[read]((at += byteLength) - byteLength, true));
  };
  const [tensorCount, metadataCount] = [u64(), u64()];
  const metadata = new Map<string, number | string>();
  for (let i = 0; i < metadataCount; i++) {
    const key = text();
    const given = value(u32());
    if (given !== null) metadata.set(key, given);
  }
  const infos = Array.from({ length: tensorCount }, () => {
    const name = text();
    const dimensions = Array.from({ length: u32() }, u64);
    return { name, elementCount: dimensions.reduce((a, b) => a * b, 1), typeId: u32(), offset: u64() };
  });
  const alignment = Number(metadata.get('general.alignment') ?? 32);
  const start = Math.ceil(at / alignment) * alignment;
  const tensors = infos.map(({ offset, ...info }) => ({ ...info, bytes: file.subarray(start + offset) }));
  return { metadata, tensors };
}
