// The weights of a program on the GPU: the file's bytes, in one buffer or, where a tensor is larger than a binding may
// be, in several of whole rows.
import { RefuteError } from '../errors.ts';
import { TENSOR_TYPES, type TensorTypeName } from '../engine/formats/tensor-types.ts';
import type { WeightInfo, WeightSource } from '../engine/program/executor.ts';
import type { WeightName } from '../engine/program/program.ts';
import type { GpuDevice } from './device.ts';
import { COPY_DST, STORAGE } from './usage.ts';

/** Rows of a matrix that lie in one buffer. */
export interface WeightPart {
  buffer: GPUBuffer;
  firstRow: number;
  rowCount: number;
}

export interface GpuWeight {
  type: TensorTypeName;
  columns: number;
  parts: readonly WeightPart[];
}

const UPLOAD_BYTES = 2 ** 24;

/**
 * @param unit rows that must not be parted: those of an expert
 * @throws RefuteError E_GPU_MEMORY, E_GPU_WEIGHT_SIZE, and those of the source
 */
export async function uploadWeight(
  gpu: GpuDevice,
  source: WeightSource,
  info: WeightInfo,
  unit = 1,
): Promise<GpuWeight> {
  const { name, type, shape, byteLength } = info;
  const columns = shape.at(-1) ?? 1;
  const rowCount = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const { blockElements, blockBytes } = TENSOR_TYPES[type];
  const rowBytes = (columns / blockElements) * blockBytes;
  // A part starts on a word: rows of an odd number of half words go in pairs.
  const step = rowBytes % 4 === 0 || unit % 2 === 0 ? unit : 2 * unit;
  const limit = gpu.device.limits.maxStorageBufferBindingSize;
  const rowsPerPart = Math.floor(limit / (rowBytes * step)) * step;
  if (rowsPerPart === 0) {
    const is = `${step} rows of ${name} have ${rowBytes * step} bytes`;
    throw new RefuteError({ code: 'E_GPU_WEIGHT_SIZE', place: gpu.name, is, allowed: `a binding takes ${limit}` });
  }
  const parts: WeightPart[] = [];
  for (let firstRow = 0; firstRow < rowCount; firstRow += rowsPerPart) {
    const count = Math.min(rowsPerPart, rowCount - firstRow);
    const at = firstRow * rowBytes;
    const length = Math.min(count * rowBytes, byteLength - at);
    parts.push({ buffer: await upload(gpu, source, name, at, length), firstRow, rowCount: count });
  }
  return { type, columns, parts };
}

async function upload(
  gpu: GpuDevice,
  source: WeightSource,
  name: WeightName,
  from: number,
  byteLength: number,
): Promise<GPUBuffer> {
  const buffer = await gpu.buffer(name, byteLength, STORAGE | COPY_DST);
  const bytes = new Uint8Array(Math.min(UPLOAD_BYTES, Math.ceil(byteLength / 4) * 4));
  for (let at = 0; at < byteLength; at += bytes.byteLength) {
    const count = Math.min(bytes.byteLength, byteLength - at);
    await source.read(name, from + at, bytes.subarray(0, count));
    // Writing goes by words; what is beyond the tensor is 0.
    const whole = Math.ceil(count / 4) * 4;
    bytes.fill(0, count, whole);
    gpu.device.queue.writeBuffer(buffer, at, bytes, 0, whole);
  }
  return buffer;
}
