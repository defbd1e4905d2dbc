// Over how many adjacent threads a row is added up, and how: by subgroup operations where the adapter has them and numbers
// their threads as the kernels think, else through workgroup memory. Both add in the same order.
import { readBytes } from '../engine/io/read-bytes.ts';
import type { GpuDevice } from './device.ts';
import { OwnedBuffers } from './owned-buffers.ts';
import { COPY_DST, COPY_SRC, MAP_READ, STORAGE } from './usage.ts';

export interface Lanes {
  /** Power of two, at most the size of every subgroup. */
  count: number;
  hasSubgroups: boolean;
}

const MOST = 32;
const THREADS = 64;
const PROBE = new URL('./wgsl/probe_lanes.wgsl', import.meta.url);

/** Through workgroup memory. */
export function withoutSubgroups(count = 16): Lanes {
  return { count, hasSubgroups: false };
}

/** The size of subgroups may differ between kernels: what counts is the least one. */
export async function lanesOf({ info }: GPUAdapter, gpu: GpuDevice): Promise<Lanes> {
  const count = laneCountOf((info as { subgroupMinSize?: number }).subgroupMinSize);
  return areAdjacent(await numbersOf(gpu), count) ? { count, hasSubgroups: true } : withoutSubgroups();
}

/** @param leastSize of a subgroup; unknown: the least that the specification permits */
export function laneCountOf(leastSize = 4): number {
  return 2 ** Math.floor(Math.log2(Math.min(MOST, Math.max(4, leastSize))));
}

/**
 * Whether threads that are next to each other have numbers that are: the language does not promise it.
 *
 * @param numbers of each thread its number within its subgroup and the subgroup's size
 */
export function areAdjacent(numbers: Uint32Array, count: number): boolean {
  return Array.from({ length: numbers.length / 2 }, (_, thread) => thread).every((thread) => {
    const [number = 0, subgroupSize = 0] = numbers.subarray(2 * thread);
    return subgroupSize >= count && number % count === thread % count;
  });
}

async function numbersOf(gpu: GpuDevice): Promise<Uint32Array> {
  const { device } = gpu;
  const code = new TextDecoder().decode(await readBytes(PROBE));
  const buffers = new OwnedBuffers(gpu);
  try {
    const pipeline = await gpu.guarded('kernel probe_lanes', 'E_GPU_KERNEL', () => {
      const module = device.createShaderModule({ label: 'probe_lanes', code });
      return device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
    });
    const size = 8 * THREADS;
    const out = await buffers.create('numbers of threads', size, STORAGE | COPY_SRC);
    const staging = await buffers.create('numbers of threads on their way back', size, MAP_READ | COPY_DST);
    await gpu.guarded('kernel probe_lanes', 'E_GPU_RUN', () => {
      const entries = [{ binding: 0, resource: { buffer: out } }];
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
      pass.dispatchWorkgroups(1);
      pass.end();
      encoder.copyBufferToBuffer(out, 0, staging, 0, size);
      device.queue.submit([encoder.finish()]);
    });
    return new Uint32Array(await gpu.bytesOf(staging));
  } finally {
    buffers.release();
  }
}
