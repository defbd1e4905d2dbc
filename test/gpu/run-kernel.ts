// One kernel on buffers of one's own: what the kernel contracts are held by. Every storage buffer is followed by guard words within
// its binding. Their bits are a NaN, so a read beyond the end shows in what is computed from it, and a write is found here.
import type { TensorTypeName } from '../../src/engine/formats/tensor-types.ts';
import type { GpuDevice, Kernel } from '../../src/gpu/device.ts';
import { paramBytes } from '../../src/gpu/kernel-text.ts';
import type { ShaderName } from '../../src/gpu/shaders.ts';
import { COPY_DST, COPY_SRC, MAP_READ, READ, STORAGE, UNIFORM } from '../../src/gpu/usage.ts';

export type Words = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

export interface KernelRun<Buffers extends Record<string, Words>> {
  kernel: ShaderName;
  /** Of the weights that it reads. */
  type?: TensorTypeName;
  /** One value for each field of `struct Params`. */
  params: Record<string, number>;
  /** Left out: row 0 alone, at position 0, untapped. */
  place?: Partial<Place>;
  /** Workgroups in x, y, z; what is left out is 1. */
  grid: readonly [number, number?, number?];
  /** What is bound, by the binding's name: a length that is no more than the kernel may touch. */
  buffers: Buffers;
}

interface Place {
  firstRow: number;
  rowCount: number;
  firstPosition: number;
  isTapped: boolean;
}

const GUARD_WORDS = 64;
/** NaN, quiet, and no number that an engine makes. */
const GUARD = 0x7fc5_eed5;

/**
 * Runs it once.
 *
 * @returns every buffer as it is afterwards, of the type it was given as
 * @throws RangeError where a binding or a parameter has no value or a value no binding, or a guard word has changed
 */
export async function runKernel<Buffers extends Record<string, Words>>(
  gpu: GpuDevice,
  { kernel: name, type, params, place = {}, grid: [x, y = 1, z = 1], buffers }: KernelRun<Buffers>,
): Promise<Buffers> {
  const kernel = await gpu.kernel(name, type === undefined ? [] : [type]);
  const opened: GPUBuffer[] = [];
  const open = (bytes: ArrayBuffer, usage: number): GPUBuffer => {
    const buffer = gpu.device.createBuffer({ size: bytes.byteLength, usage: usage | COPY_DST });
    gpu.device.queue.writeBuffer(buffer, 0, bytes);
    opened.push(buffer);
    return buffer;
  };
  try {
    return await gpu.guarded(`kernel ${name}`, 'E_GPU_KERNEL', async () => {
      const uniforms = {
        place: open(placeBytes(place), UNIFORM),
        params: open(paramBytes(kernel.params, params), UNIFORM),
      };
      const storage = Object.entries(buffers).map(
        ([key, words]) => [key, open(guarded(words), STORAGE | COPY_SRC)] as const,
      );
      const bound = bindGroup(gpu, kernel, new Map([...Object.entries(uniforms), ...storage]));
      const encoder = gpu.device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(kernel.pipeline);
      pass.setBindGroup(0, bound);
      pass.dispatchWorkgroups(x, y, z);
      pass.end();
      const stagings = storage.map(([, buffer]) => {
        const staging = gpu.device.createBuffer({ size: buffer.size, usage: MAP_READ | COPY_DST });
        opened.push(staging);
        encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
        return staging;
      });
      gpu.device.queue.submit([encoder.finish()]);
      await Promise.all(stagings.map((staging) => staging.mapAsync(READ)));
      const read = storage.map(([key], i) => {
        const bytes = stagings[i]?.getMappedRange().slice(0) ?? new ArrayBuffer(0);
        assertGuards(`${name}: ${key}`, bytes);
        const Type = buffers[key] instanceof Float32Array ? Float32Array : Uint32Array;
        return [key, new Type(bytes, 0, buffers[key]?.length)];
      });
      return Object.fromEntries(read) as Buffers;
    });
  } finally {
    for (const buffer of opened) buffer.destroy();
  }
}

function bindGroup(
  gpu: GpuDevice,
  { layout, bindings }: Kernel,
  buffers: ReadonlyMap<string, GPUBuffer>,
): GPUBindGroup {
  const unknown = [...buffers.keys()].find((name) => !bindings.some((binding) => binding.name === name));
  if (unknown !== undefined) throw new RangeError(`the kernel binds no ${unknown}`);
  const entries = bindings.map(({ binding, name }) => {
    const buffer = buffers.get(name);
    if (buffer === undefined) throw new RangeError(`binding ${name} has no buffer`);
    return { binding, resource: { buffer } };
  });
  return gpu.device.createBindGroup({ layout, entries });
}

function placeBytes({ firstRow = 0, rowCount = 1, firstPosition = 0, isTapped = false }: Partial<Place>): ArrayBuffer {
  return Uint32Array.of(firstRow, rowCount, firstPosition, Number(isTapped)).buffer;
}

function guarded(words: Words): ArrayBuffer {
  const all = new Uint32Array(words.length + GUARD_WORDS).fill(GUARD);
  all.set(new Uint32Array(words.buffer, words.byteOffset, words.length));
  return all.buffer;
}

function assertGuards(what: string, bytes: ArrayBuffer): void {
  const changed = new Uint32Array(bytes).slice(-GUARD_WORDS).findIndex((word) => word !== GUARD);
  if (changed >= 0) throw new RangeError(`${what} is written ${changed} words beyond its end`);
}

/** Rows as the kernels lay out a value: channels in fours, what is beyond them 0. */
export interface RowLayout {
  rows: number;
  channels: number;
  /** Of row 0 in the buffer, and from row to row, in fours. Left out: 0, and as close as they can be. */
  at?: number;
  stride?: number;
}

function placesOf({ rows, channels, at = 0, stride = Math.ceil(channels / 4) }: RowLayout): number[] {
  return Array.from({ length: rows }, (_, row) => 4 * (at + row * stride));
}

/** [rows, channels] as a buffer that holds nothing else; NaN wherever no value is. */
export function packRows(data: ArrayLike<number>, layout: RowLayout): Float32Array<ArrayBuffer> {
  const { channels } = layout;
  const padded = 4 * Math.ceil(channels / 4);
  const places = placesOf(layout);
  const out = new Float32Array((places.at(-1) ?? 0) + padded).fill(Number.NaN);
  for (const [row, place] of places.entries()) {
    out.fill(0, place, place + padded);
    for (let c = 0; c < channels; c += 1) out[place + c] = data[row * channels + c] ?? Number.NaN;
  }
  return out;
}

/**
 * The [rows, channels] that a buffer holds.
 *
 * @throws RangeError where a channel beyond the last of its row is not 0
 */
export function unpackRows(buffer: Float32Array, layout: RowLayout): Float32Array<ArrayBuffer> {
  const { rows, channels } = layout;
  const out = new Float32Array(rows * channels);
  for (const [row, place] of placesOf(layout).entries()) {
    const padded = buffer.subarray(place, place + 4 * Math.ceil(channels / 4));
    out.set(padded.subarray(0, channels), row * channels);
    const dirty = padded.subarray(channels).findIndex((value) => value !== 0);
    if (dirty >= 0) throw new RangeError(`row ${row} has ${padded[channels + dirty]} at its pad ${dirty}`);
  }
  return out;
}
