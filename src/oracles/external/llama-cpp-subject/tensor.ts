// A tensor of ggml, read out of its struct: what it is, and its numbers row by row. Reads only.
import { bytesAt, fieldsOf, type Address, type Native } from './native.ts';
import type { GraphNode, ShownValue } from './graph-reader.ts';

export interface Tensor extends GraphNode {
  type: number;
  /** The fastest first. */
  extents: readonly number[];
  /** Distances in bytes. */
  strides: readonly number[];
}

/** Of float32 and of int32, which all values are. */
const ELEMENT_BYTES = 4;

export function readTensor({ layout, opDescription }: Native, address: Address): Tensor {
  const { tensor: at } = layout;
  const fields = fieldsOf(bytesAt(address, at.byteLength));
  const four = (offset: number): number[] => [0, 1, 2, 3].map((i) => Number(fields.getBigInt64(offset + 8 * i, true)));
  const pointers = Array.from({ length: at.sourceCount }, (_, i) => fields.getBigUint64(at.sources + 8 * i, true));
  const extents = four(at.extents);
  return {
    address,
    op: opDescription(address),
    elementCount: extents.reduce((product, extent) => product * extent, 1),
    sources: pointers.filter((pointer) => pointer !== 0n),
    viewOf: fields.getBigUint64(at.viewOf, true),
    offset: Number(fields.getBigUint64(at.viewOffset, true)) / ELEMENT_BYTES,
    type: fields.getInt32(at.type, true),
    extents,
    strides: four(at.strides),
  };
}

export function tensorName({ layout }: Native, address: Address): string {
  const { name, nameByteLength } = layout.tensor;
  const bytes = bytesAt(address + BigInt(name), nameByteLength);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/**
 * A value out of a tensor of `rowCount` rows, as float32.
 *
 * @returns null where the type of the tensor has no plain numbers
 */
export function readValue(
  native: Native,
  tensor: Tensor,
  { from, width }: ShownValue,
  rowCount: number,
): Float32Array | null {
  const rows = tensorFloats(native, tensor);
  const rowWidth = tensor.elementCount / rowCount;
  if (rows === null || rowWidth === width) return rows;
  const value = new Float32Array(rowCount * width);
  for (let row = 0; row < rowCount; row += 1) {
    const at = row * rowWidth + from;
    value.set(rows.subarray(at, at + width), row * width);
  }
  return value;
}

/** In the order of the extents. */
function tensorFloats(native: Native, tensor: Tensor): Float32Array | null {
  const byteLength = Number(native.byteLengthOf(tensor.address));
  const bytes = new Uint8Array(byteLength);
  native.readTensor(tensor.address, bytes, 0, byteLength);
  const typeName = native.typeName(tensor.type);
  if (typeName !== 'f32' && typeName !== 'i32') return null;
  const numbers = typeName === 'f32' ? new Float32Array(bytes.buffer) : new Int32Array(bytes.buffer);
  const { elementCount: count } = tensor;
  if (numbers instanceof Float32Array && numbers.length === count) return numbers;
  const [n0 = 0, n1 = 0, n2 = 0, n3 = 0] = tensor.extents;
  const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = tensor.strides.map((stride) => stride / ELEMENT_BYTES);
  const floats = new Float32Array(count);
  let i = 0;
  for (let d = 0; d < n3; d += 1)
    for (let c = 0; c < n2; c += 1)
      for (let b = 0; b < n1; b += 1)
        for (let a = 0; a < n0; a += 1) floats[i++] = numbers[a * s0 + b * s1 + c * s2 + d * s3] ?? Number.NaN;
  return floats;
}
