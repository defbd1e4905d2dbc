// One dispatch of a kernel: its buffers by the names that the kernel gives them, and where in them its values lie.
import type { TensorTypeName } from '../engine/formats/tensor-types.ts';
import type { GpuDevice } from './device.ts';
import { paramBytes } from './kernel-text.ts';
import type { ShaderName } from './shaders.ts';

/** Where a chunk stands, as far as the number of workgroups depends on it. */
interface ChunkPlace {
  rowCount: number;
  firstPosition: number;
}

/** Workgroups in each direction. */
export type Grid = (place: ChunkPlace) => readonly [number, number, number];

/** A value in a buffer: row r begins `at + r · stride` quads into it. */
export interface Placed {
  buffer: GPUBuffer;
  at: number;
  stride: number;
}

export interface Dispatch {
  pipeline: GPUComputePipeline;
  /** Of all rows of the chunk, or of the last alone. */
  groups: Readonly<Record<RowSet, GPUBindGroup>>;
  grid: Grid;
}

export type RowSet = 'all' | 'last';

/** What dispatches of one session share. */
export interface DispatchSite {
  gpu: GpuDevice;
  places: Readonly<Record<RowSet, GPUBufferBinding>>;
  /** Puts what an op is told once and for all where a kernel can read it. */
  storeParams: (bytes: ArrayBuffer) => GPUBufferBinding;
}

export interface DispatchOptions {
  /** Of stored weights, where the kernel reads them. */
  types?: readonly TensorTypeName[];
  /** By the names of the kernel's bindings. A placed value also fills the parameters `<name>_at` and `<name>_stride`. */
  buffers: Readonly<Record<string, GPUBuffer | Placed>>;
  params?: Readonly<Record<string, number>>;
  grid: Grid;
}

/** Of workgroups in one direction, by the specification. */
const MAX_GROUPS = 65_535;
export const THREADS = 64;

/** @throws RefuteError E_GPU_KERNEL; RangeError where a binding or a parameter of the kernel has no value, or a value no binding */
export async function dispatch(
  { gpu, places, storeParams }: DispatchSite,
  shader: ShaderName,
  { types = [], buffers, params = {}, grid }: DispatchOptions,
): Promise<Dispatch> {
  const kernel = await gpu.kernel(shader, types);
  const told: Record<string, number> = { ...params };
  const bound = new Map<string, GPUBuffer>();
  for (const [name, where] of Object.entries(buffers)) {
    if (!kernel.bindings.some((binding) => binding.name === name)) throw new RangeError(`${shader} binds no ${name}`);
    bound.set(name, 'at' in where ? where.buffer : where);
    if (!('at' in where)) continue;
    for (const [key, value] of Object.entries({ at: where.at, stride: where.stride })) {
      if (kernel.params.some((param) => param.name === `${name}_${key}`)) told[`${name}_${key}`] = value;
    }
  }
  const paramsBinding = storeParams(paramBytes(kernel.params, told));
  const resourceOf = (name: string, place: GPUBufferBinding): GPUBufferBinding => {
    if (name === 'place') return place;
    if (name === 'params') return paramsBinding;
    const buffer = bound.get(name);
    if (buffer === undefined) throw new RangeError(`${shader}: nothing is bound to ${name}`);
    return { buffer };
  };
  const group = (place: GPUBufferBinding): GPUBindGroup => {
    const entries = kernel.bindings.map(({ binding, name }) => ({ binding, resource: resourceOf(name, place) }));
    return gpu.device.createBindGroup({ label: shader, layout: kernel.layout, entries });
  };
  return { pipeline: kernel.pipeline, groups: { all: group(places.all), last: group(places.last) }, grid };
}

/** A thread to each of so many things a row. */
export function perRow(count: number): Grid {
  return ({ rowCount }) => [...folded(Math.ceil((rowCount * count) / THREADS)), 1];
}

/** So many workgroups, or a few more, in two directions. */
export function folded(count: number): [number, number] {
  const lines = Math.ceil(count / MAX_GROUPS);
  return [Math.ceil(count / lines), lines];
}
