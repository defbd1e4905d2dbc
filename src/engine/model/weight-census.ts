// What a weight holds that no forward pass survives, or that no training leaves behind: NaN and infinities, a matrix of
// one value. Exact by the bits: every element of a block uses its float16 scales, so a block holds NaN or infinity if
// and only if one of them is; only a slice with such a block is decoded, to count. A matrix of one value is given up at
// the first other one. Reads the tensor once.
import { dequantize } from '../cpu/dequantize.ts';
import { TENSOR_TYPES, type TensorType, type TensorTypeName } from '../formats/tensor-types.ts';
import { pause } from '../program/pause.ts';
import type { WeightInfo, WeightSource } from '../program/executor.ts';
import type { WeightName } from '../program/program.ts';

export interface WeightCensus {
  name: WeightName;
  shape: readonly number[];
  nanCount: number;
  infCount: number;
  /** Of the first NaN or infinity; row: index along all dimensions but the last. */
  first: { row: number; column: number } | null;
  /** The value of every element; null where they differ, and where there is only one. */
  constant: number | null;
  /** Of a stack of experts, those whose matrix is all zeros. */
  zeroExperts: readonly number[];
}

const SLICE_BYTES = 1 << 20;

/** @throws RefuteError E_TENSOR_TYPE, and as `weights.read` does */
export async function censusOf(weights: WeightSource, info: WeightInfo, signal?: AbortSignal): Promise<WeightCensus> {
  const { name, type, shape, byteLength } = info;
  const { blockElements, blockBytes } = TENSOR_TYPES[type];
  const width = shape.at(-1) ?? 1;
  const exponents = EXPONENTS[type];
  const isBad = (slice: Uint8Array): boolean =>
    exponents === undefined ? hasBadScale(slice, TENSOR_TYPES[type]) : hasBadNumber(slice, ...exponents);
  const sliceBytes = Math.floor(SLICE_BYTES / blockBytes) * blockBytes;
  // Whole words.
  const bytes = new Uint8Array(4 * Math.ceil(Math.min(sliceBytes, byteLength) / 4));
  let [nanCount, infCount] = [0, 0];
  let first: WeightCensus['first'] = null;
  for (let at = 0; at < byteLength; at += sliceBytes) {
    await pause(signal);
    const slice = bytes.subarray(0, Math.min(sliceBytes, byteLength - at));
    await weights.read(name, at, slice);
    // What is left of the slice before in the last word.
    bytes.fill(0, slice.byteLength, slice.byteLength + 3);
    if (!isBad(slice)) continue;
    const values = await dequantize(type, slice);
    for (let i = 0; i < values.length; i += 1) {
      const value = values[i] ?? 0;
      if (Number.isFinite(value)) continue;
      const element = (at / blockBytes) * blockElements + i;
      first ??= { row: Math.floor(element / width), column: element % width };
      if (Number.isNaN(value)) nanCount += 1;
      else infCount += 1;
    }
  }
  const constant = await constantOf(weights, info, 0, byteLength);
  const zeroExperts = constant === null ? await zeroSlices(weights, info) : [];
  return { name, shape, nanCount, infCount, first, constant, zeroExperts };
}

/** By type: the exponent's bits in a word of one or two numbers, and its lowest bit. */
const EXPONENTS: Partial<Record<TensorTypeName, readonly [mask: number, lowest: number]>> = {
  f32: [0x7f80_0000, 0x0080_0000],
  f16: [0x7c00_7c00, 0x0400_0400],
  bf16: [0x7f80_7f80, 0x0080_0080],
};

/** One more than an exponent of ones is the sign's bit, and of no other exponent. */
function hasBadNumber(slice: Uint8Array, mask: number, lowest: number): boolean {
  const signs = mask === 0x7f80_0000 ? 0x8000_0000 : 0x8000_8000;
  const words = new Int32Array(slice.buffer, 0, Math.ceil(slice.byteLength / 4));
  let seen = 0;
  for (let i = 0; i < words.length; i += 1) seen |= (((words[i] ?? 0) & mask) + lowest) | 0;
  return (seen & signs) !== 0;
}

function hasBadScale(slice: Uint8Array, { halves, blockBytes }: TensorType): boolean {
  const bytes = new DataView(slice.buffer, 0, slice.byteLength);
  const [one = 0, other = one] = halves;
  for (let at = 0; at < bytes.byteLength; at += blockBytes) {
    if ((bytes.getUint16(at + one, true) & 0x7c00) === 0x7c00) return true;
    if ((bytes.getUint16(at + other, true) & 0x7c00) === 0x7c00) return true;
  }
  return false;
}

/** The value of all elements of [from, to); null where they differ, are NaN, or are fewer than two. */
async function constantOf(
  weights: WeightSource,
  { name, type }: WeightInfo,
  from: number,
  to: number,
): Promise<number | null> {
  const { blockElements, blockBytes } = TENSOR_TYPES[type];
  if (((to - from) / blockBytes) * blockElements < 2) return null;
  let value: number | null = null;
  // Most differ in the first block; the next slices are larger, for the few that do not.
  for (let [at, blocks] = [from, 1]; at < to; at += blocks * blockBytes, blocks = Math.min(4096, 16 * blocks)) {
    const bytes = new Uint8Array(Math.min(blocks * blockBytes, to - at));
    await weights.read(name, at, bytes);
    const values = await dequantize(type, bytes);
    value ??= values[0] ?? Number.NaN;
    for (const other of values) if (other !== value) return null;
  }
  // Not −0.
  return value === 0 ? 0 : value;
}

/** Of [experts, rows, columns]. */
async function zeroSlices(weights: WeightSource, info: WeightInfo): Promise<number[]> {
  const [count = 0, ...slice] = info.shape;
  if (slice.length < 2) return [];
  const sliceBytes = info.byteLength / count;
  const zero: number[] = [];
  for (let expert = 0; expert < count; expert += 1) {
    if ((await constantOf(weights, info, expert * sliceBytes, (expert + 1) * sliceBytes)) === 0) zero.push(expert);
  }
  return zero;
}
