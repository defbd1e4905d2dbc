// A program with its weights on the GPU: what every session of the executor shares and none changes.
import type { WeightInfo, WeightSource } from '../engine/program/executor.ts';
import { ropeWeights, type Program, type WeightName } from '../engine/program/program.ts';
import type { GpuDevice } from './device.ts';
import { fuse } from './fuse.ts';
import { OwnedBuffers } from './owned-buffers.ts';
import type { Step } from './steps.ts';
import { loadVectors, type GpuVectors } from './vectors.ts';
import { canStack, infoOf, uploadStack, uploadWeight, type GpuWeight, type UploadSite } from './weights.ts';

/** How the program runs, whatever it is. */
export interface RunOptions {
  chunkPositions: number;
  /** Whether runs are checked (guards.ts). */
  isChecked: boolean;
  /** That come back at once; left out: as many as a device well takes. */
  readbackBytes?: number | undefined;
}

export interface GpuProgram extends RunOptions {
  gpu: GpuDevice;
  program: Program;
  /** For one position. Many are made op by op. */
  steps: readonly Step[];
  weights: ReadonlyMap<WeightName, GpuWeight>;
  /** Gains and biases. */
  vectors: GpuVectors;
  /** What rotations divide their frequencies by. */
  factors: ReadonlyMap<WeightName, Float32Array>;
  /** Of weights and vectors. */
  buffers: OwnedBuffers;
}

/** The program has been checked against the source. @throws RefuteError those of `uploadWeight`; nothing is left on the device then */
export async function loadProgram(
  gpu: GpuDevice,
  program: Program,
  source: WeightSource,
  options: RunOptions,
): Promise<GpuProgram> {
  const buffers = new OwnedBuffers(gpu);
  try {
    const site = { gpu, source, buffers };
    const steps = fuse(program, (names, stacking) => canStack(gpu, infosOf(source, names), stacking));
    const weights = await loadWeights(site, program, steps);
    const factorNames = program.ops.flatMap((op) => (op.op === 'rope' ? ropeWeights(op.rope.scaling) : []));
    const { vectors, decoded } = await loadVectors(site, steps, [...new Set(factorNames)]);
    return { ...options, gpu, program, steps, weights, vectors, factors: decoded, buffers };
  } catch (error) {
    buffers.release();
    throw error;
  }
}

async function loadWeights(
  site: UploadSite,
  program: Program,
  steps: readonly Step[],
): Promise<Map<WeightName, GpuWeight>> {
  const { source } = site;
  const weights = new Map<WeightName, GpuWeight>();
  const keep = (names: readonly WeightName[], stacked: readonly GpuWeight[]): void => {
    for (const [i, weight] of stacked.entries()) weights.set(names[i] ?? '', weight);
  };
  for (const step of steps) {
    if (step.kind === 'gated' || step.kind === 'expertsGated') {
      const names = [step.gate.weight, step.up.weight];
      keep(names, await uploadStack(site, infosOf(source, names), 'turns'));
    } else if (step.kind === 'product' || step.kind === 'productOfTwo') {
      for (const members of step.kind === 'product' ? [step.members] : step.runs) {
        if (members.length === 1 && step.kind === 'product') continue;
        const names = members.map(({ matmul }) => matmul.weight);
        keep(names, await uploadStack(site, infosOf(source, names), 'sequence'));
      }
    }
  }
  for (const op of program.ops) {
    const isMatrix = op.op === 'embed' || op.op === 'matmul' || op.op === 'expertMatmul';
    if (isMatrix && !weights.has(op.weight)) {
      weights.set(op.weight, await uploadWeight(site, infoOf(source, op.weight)));
    }
  }
  return weights;
}

function infosOf(source: WeightSource, names: readonly WeightName[]): WeightInfo[] {
  return names.map((name) => infoOf(source, name));
}
