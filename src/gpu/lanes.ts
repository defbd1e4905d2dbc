// Over how many adjacent threads a row is added up, and how: by subgroup operations where the adapter has them and numbers
// their threads as the kernels think, else through workgroup memory. Both add in the same order.
import { readBytes } from '../engine/io/read-bytes.ts';
import { COPY_DST, COPY_SRC, MAP_READ, READ, STORAGE } from './usage.ts';

export interface Lanes {
  /** Power of two, at most the size of every subgroup. */
  count: number;
  hasSubgroups: boolean;
}

export const NO_SUBGROUPS: Lanes = { count: 16, hasSubgroups: false };
const MOST = 32;
const THREADS = 64;
const PROBE = new URL('./wgsl/probe_lanes.wgsl', import.meta.url);

/** The size of subgroups may differ between kernels: what counts is the least one. */
export async function lanesOf({ info }: GPUAdapter, device: GPUDevice): Promise<Lanes> {
  const { subgroupMinSize = 4 } = info as { subgroupMinSize?: number };
  const count = 2 ** Math.floor(Math.log2(Math.min(MOST, Math.max(4, subgroupMinSize))));
  return (await areAdjacent(device, count)) ? { count, hasSubgroups: true } : NO_SUBGROUPS;
}

/** Whether threads that are next to each other have numbers that are: the language does not promise it. */
async function areAdjacent(device: GPUDevice, count: number): Promise<boolean> {
  const code = new TextDecoder().decode(await readBytes(PROBE));
  const module = device.createShaderModule({ label: 'probe_lanes', code });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  const size = 8 * THREADS;
  const out = device.createBuffer({ size, usage: STORAGE | COPY_SRC });
  const staging = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
  const entries = [{ binding: 0, resource: { buffer: out } }];
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(out, 0, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(READ);
  const answers = new Uint32Array(staging.getMappedRange().slice(0));
  for (const buffer of [out, staging]) buffer.destroy();
  return Array.from({ length: THREADS }, (_, thread) => thread).every((thread) => {
    const [number = 0, subgroupSize = 0] = answers.subarray(2 * thread);
    return subgroupSize >= count && number % count === thread % count;
  });
}
