// Gains and biases of a program, as float32 in one buffer: each begins at a quad, its pad is 0. The biases of matrices that share a
// buffer lie one after the other.
import type { WeightInfo } from '../engine/program/executor.ts';
import type { WeightName } from '../engine/program/program.ts';
import { quadsOf } from './buffer-plan.ts';
import { dispatch } from './dispatch.ts';
import { OwnedBuffers } from './owned-buffers.ts';
import { opsOf, type Step } from './steps.ts';
import { COPY_DST, COPY_SRC, MAP_READ, STORAGE, UNIFORM } from './usage.ts';
import { infoOf, uploadWeight, type UploadSite } from './weights.ts';

export interface GpuVectors {
  buffer: GPUBuffer;
  /** First quad of each. */
  atOf: ReadonlyMap<WeightName, number>;
}

/** @param factors further vectors, which the host wants to know */
export async function loadVectors(
  site: UploadSite,
  steps: readonly Step[],
  factors: readonly WeightName[],
): Promise<{ vectors: GpuVectors; decoded: Map<WeightName, Float32Array> }> {
  const { source } = site;
  // In the order of the steps, in which the biases of a product follow one another.
  const used = steps.flatMap(opsOf).flatMap((op) => (op.op === 'rmsnorm' || op.op === 'addBias' ? [op.weight] : []));
  const members = steps.flatMap((step) =>
    step.kind === 'product' ? step.members : step.kind === 'productOfTwo' ? step.runs.flat() : [],
  );
  const biases = members.flatMap(({ bias }) => (bias === null ? [] : [bias.weight]));
  const names = [...new Set([...biases, ...used, ...factors])];
  const atOf = new Map<WeightName, number>();
  let quads = 0;
  for (const name of names) {
    atOf.set(name, quads);
    quads += quadsOf(infoOf(source, name).shape.at(-1) ?? 1);
  }
  const buffer = await site.buffers.create('vectors', 16 * quads, STORAGE | COPY_SRC);
  for (const name of names) await decodeInto(site, infoOf(source, name), buffer, atOf.get(name) ?? 0);
  const decoded = new Map<WeightName, Float32Array>();
  if (factors.length > 0) {
    const all = await readBack(site, buffer);
    for (const name of factors) {
      const first = 4 * (atOf.get(name) ?? 0);
      decoded.set(name, all.slice(first, first + (infoOf(source, name).shape.at(-1) ?? 1)));
    }
  }
  return { vectors: { buffer, atOf }, decoded };
}

/** A vector is a matrix of one row, of which token 0 is looked up. */
async function decodeInto({ gpu, source }: UploadSite, info: WeightInfo, buffer: GPUBuffer, at: number): Promise<void> {
  const { queue } = gpu.device;
  const buffers = new OwnedBuffers(gpu);
  try {
    const { type, units, columns, parts } = await uploadWeight({ gpu, source, buffers }, info);
    const weights = parts[0]?.buffer ?? buffer;
    const [plane1 = 0, plane2 = 0] = parts[0]?.planes ?? [];
    const tokens = await buffers.create('token 0', 16, STORAGE);
    const place = await buffers.create('place of one row', 16, UNIFORM | COPY_DST);
    const told = await buffers.create('parameters', 256, UNIFORM | COPY_DST);
    queue.writeBuffer(place, 0, Uint32Array.of(0, 1, 0, 0));
    const quads = quadsOf(columns);
    const { pipeline, groups } = await dispatch(
      {
        gpu,
        places: { all: { buffer: place }, last: { buffer: place } },
        storeParams: (bytes) => {
          queue.writeBuffer(told, 0, bytes);
          return { buffer: told, size: bytes.byteLength };
        },
        isChecked: false,
      },
      'embed',
      {
        types: [type],
        buffers: { out: { buffer, at, stride: quads }, quads: weights, words: weights, tokens },
        params: { units, plane_1: plane1, plane_2: plane2, first_weight_row: 0, weight_rows: 1, quads },
        grid: () => [1, 1, 1],
      },
    );
    await gpu.guarded(info.name, 'E_GPU_RUN', () => {
      const encoder = gpu.device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, groups.all);
      pass.dispatchWorkgroups(Math.ceil(units / 64));
      pass.end();
      queue.submit([encoder.finish()]);
    });
  } finally {
    buffers.release();
  }
}

async function readBack({ gpu }: UploadSite, buffer: GPUBuffer): Promise<Float32Array> {
  const buffers = new OwnedBuffers(gpu);
  try {
    const staging = await buffers.create('read back', buffer.size, MAP_READ | COPY_DST);
    await gpu.guarded('vectors', 'E_GPU_RUN', () => {
      const encoder = gpu.device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
      gpu.device.queue.submit([encoder.finish()]);
    });
    return new Float32Array(await gpu.bytesOf(staging));
  } finally {
    buffers.release();
  }
}
