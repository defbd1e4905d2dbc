// One dispatch of a kernel: its buffers by the names that the kernel gives them, and where in them its values lie.
import type { TensorTypeName } from '../engine/formats/tensor-types.ts';
import { RefuteError } from '../errors.ts';
import type { GpuDevice } from './device.ts';
import { paramBytes } from './kernel-text.ts';
import type { ShaderName } from './shaders.ts';

/** Where a chunk stands, as far as the number of workgroups depends on it. */
export interface ChunkPlace {
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
  /** Name of the kernel, with the type of its weights. */
  kernel: string;
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
  /** Whether workgroup memory begins as NaN. */
  isChecked: boolean;
}

export interface DispatchOptions {
  /** Of stored weights, where the kernel reads them. */
  types?: readonly TensorTypeName[];
  /** By the names of the kernel's bindings. A placed value also fills the parameters `<name>_at` and `<name>_stride`. */
  buffers: Readonly<Record<string, GPUBuffer | Placed>>;
  params?: Readonly<Record<string, number>>;
  /** Of the kernel's overrides. */
  constants?: Readonly<Record<string, boolean>>;
  grid: Grid;
}

/** Of workgroups in one direction, by the specification. */
export const MAX_GROUPS = 65_535;
export const THREADS = 64;

/** @throws RefuteError E_GPU_KERNEL, E_GPU_BIND, E_GPU_GROUPS; RangeError where a binding or a parameter of the kernel has no value, or a value no binding */
export async function dispatch(
  { gpu, places, storeParams, isChecked }: DispatchSite,
  shader: ShaderName,
  { types = [], buffers, params = {}, constants = {}, grid }: DispatchOptions,
): Promise<Dispatch> {
  const kernel = await gpu.kernel(shader, types, isChecked, constants);
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
  const resourceOf = (name: string, place: GPUBufferBinding, paramsBinding: GPUBufferBinding): GPUBufferBinding => {
    if (name === 'place') return place;
    if (name === 'params') return paramsBinding;
    const buffer = bound.get(name);
    if (buffer === undefined) throw new RangeError(`${shader}: nothing is bound to ${name}`);
    return { buffer };
  };
  const name = [shader, ...types].join(' ');
  const groups = await gpu.guarded(`kernel ${name}`, 'E_GPU_BIND', () => {
    const paramsBinding = storeParams(paramBytes(kernel.params, told));
    const group = (place: GPUBufferBinding): GPUBindGroup => {
      const entries = kernel.bindings.map(({ binding, name: of }) => ({
        binding,
        resource: resourceOf(of, place, paramsBinding),
      }));
      return gpu.device.createBindGroup({ label: name, layout: kernel.layout, entries });
    };
    return { all: group(places.all), last: group(places.last) };
  });
  return { kernel: name, pipeline: kernel.pipeline, groups, grid: (place) => withinLimits(name, grid(place)) };
}

/** A dispatch beyond them does nothing, and says so to nobody. @throws RefuteError E_GPU_GROUPS */
function withinLimits(kernel: string, groups: ReturnType<Grid>): ReturnType<Grid> {
  const most = Math.max(...groups);
  if (most <= MAX_GROUPS && groups.every((count) => Number.isInteger(count) && count > 0)) return groups;
  const is = `it wants ${groups.join(' × ')} workgroups`;
  const allowed = `a direction takes 1 to ${MAX_GROUPS}`;
  throw new RefuteError({ code: 'E_GPU_GROUPS', place: `kernel ${kernel}`, is, allowed, next: 'Use --engine cpu' });
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
