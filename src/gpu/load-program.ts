// A program with its weights on the GPU: what every session of the executor shares and none changes.
import type { WeightInfo, WeightSource } from '../engine/program/executor.ts';
import { ropeWeights, type Op, type Program, type WeightName } from '../engine/program/program.ts';
import { planBuffers, type BufferPlan } from './buffer-plan.ts';
import { paramBytes, type GpuDevice } from './device.ts';
import { uploadWeight, type GpuWeight } from './weights.ts';
import { COPY_DST, COPY_SRC, MAP_READ, READ, STORAGE, UNIFORM } from './usage.ts';

export interface GpuProgram {
  gpu: GpuDevice;
  program: Program;
  buffers: BufferPlan;
  weights: ReadonlyMap<WeightName, GpuWeight>;
  /** Gains and biases, as float32. */
  vectors: ReadonlyMap<WeightName, GPUBuffer>;
  /** What rotations divide their frequencies by. */
  factors: ReadonlyMap<WeightName, Float32Array>;
  chunkPositions: number;
}

/** The program has been checked against the source. @throws RefuteError those of `uploadWeight` */
export async function loadProgram(
  gpu: GpuDevice,
  program: Program,
  source: WeightSource,
  chunkPositions: number,
): Promise<GpuProgram> {
  const weights = new Map<WeightName, GpuWeight>();
  const vectors = new Map<WeightName, GPUBuffer>();
  const factors = new Map<WeightName, Float32Array>();
  for (const op of program.ops) {
    if (op.op === 'rope') {
      for (const name of ropeWeights(op.rope.scaling)) {
        if (factors.has(name)) continue;
        const vector = await decodedVector(gpu, source, infoOf(source, name));
        factors.set(name, await readBack(gpu, vector));
        vector.destroy();
      }
    } else if ('weight' in op) {
      const info = infoOf(source, op.weight);
      if (op.op === 'rmsnorm' || op.op === 'addBias') {
        if (!vectors.has(op.weight)) vectors.set(op.weight, await decodedVector(gpu, source, info));
      } else if (!weights.has(op.weight)) {
        weights.set(op.weight, await uploadWeight(gpu, source, info, rowsTogether(op, info)));
      }
    }
  }
  return { gpu, program, buffers: planBuffers(program), weights, vectors, factors, chunkPositions };
}

/** Twice does no harm. */
export function releaseProgram({ weights, vectors }: GpuProgram): void {
  for (const { parts } of weights.values()) for (const { buffer } of parts) buffer.destroy();
  for (const buffer of vectors.values()) buffer.destroy();
}

/** An expert's rows lie in one buffer. */
function rowsTogether(op: Op, { shape }: WeightInfo): number {
  return op.op === 'expertMatmul' ? (shape.at(-2) ?? 1) : 1;
}

function infoOf(source: WeightSource, name: WeightName): WeightInfo {
  const info = source.info(name);
  if (info === undefined) throw new RangeError(`weight ${name} was never listed`);
  return info;
}

/** A vector is a matrix of one row, of which token 0 is looked up. */
async function decodedVector(gpu: GpuDevice, source: WeightSource, info: WeightInfo): Promise<GPUBuffer> {
  const { device } = gpu;
  const { type, columns, parts } = await uploadWeight(gpu, source, info);
  const usage = STORAGE | COPY_SRC;
  const out = await gpu.buffer(info.name, 4 * columns, usage);
  const tokens = await gpu.buffer('token 0', 4, STORAGE);
  const place = await gpu.buffer('place of one row', 16, UNIFORM | COPY_DST);
  const told = await gpu.buffer('parameters', 16, UNIFORM | COPY_DST);
  device.queue.writeBuffer(place, 0, Uint32Array.of(0, 1, 0, 0));
  const kernel = await gpu.kernel('embed', type);
  const params = paramBytes(kernel, { columns, first_weight_row: 0, weight_rows: 1 });
  device.queue.writeBuffer(told, 0, params);
  await gpu.guarded(info.name, 'E_GPU_RUN', () => {
    const bound = [place, told, out, parts[0]?.buffer ?? out, tokens];
    const entries = bound.map((buffer, binding) => ({ binding, resource: { buffer } }));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(kernel.pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: kernel.pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(Math.ceil(columns / (16 * 64)));
    pass.end();
    device.queue.submit([encoder.finish()]);
  });
  for (const buffer of [tokens, place, told, ...parts.map((part) => part.buffer)]) buffer.destroy();
  return out;
}

async function readBack(gpu: GpuDevice, buffer: GPUBuffer): Promise<Float32Array> {
  const staging = await gpu.buffer('read back', buffer.size, MAP_READ | COPY_DST);
  const encoder = gpu.device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  gpu.device.queue.submit([encoder.finish()]);
  await staging.mapAsync(READ);
  const floats = new Float32Array(staging.getMappedRange().slice(0));
  staging.destroy();
  return floats;
}
