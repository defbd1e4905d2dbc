// A program with its weights on the GPU: what every session of the executor shares and none changes.
import type { WeightInfo, WeightSource } from '../engine/program/executor.ts';
import { ropeWeights, type Program, type WeightName } from '../engine/program/program.ts';
import type { GpuDevice } from './device.ts';
import { fuse } from './fuse.ts';
import type { Step } from './steps.ts';
import { loadVectors, type GpuVectors } from './vectors.ts';
import { canStack, infoOf, uploadStack, uploadWeight, type GpuWeight } from './weights.ts';

export interface GpuProgram {
  gpu: GpuDevice;
  program: Program;
  /** For one position. Many are made op by op. */
  steps: readonly Step[];
  weights: ReadonlyMap<WeightName, GpuWeight>;
  /** Gains and biases. */
  vectors: GpuVectors;
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
  const infosOf = (names: readonly WeightName[]): WeightInfo[] => names.map((name) => infoOf(source, name));
  const steps = fuse(program, (names, stacking) => canStack(gpu, infosOf(names), stacking));
  const weights = new Map<WeightName, GpuWeight>();
  const keep = (names: readonly WeightName[], stacked: readonly GpuWeight[]): void => {
    for (const [i, weight] of stacked.entries()) weights.set(names[i] ?? '', weight);
  };
  for (const step of steps) {
    if (step.kind === 'gated' || step.kind === 'expertsGated') {
      const names = [step.gate.weight, step.up.weight];
      keep(names, await uploadStack(gpu, source, infosOf(names), 'turns'));
    } else if (step.kind === 'product' || step.kind === 'productOfTwo') {
      for (const members of step.kind === 'product' ? [step.members] : step.runs) {
        if (members.length === 1 && step.kind === 'product') continue;
        const names = members.map(({ matmul }) => matmul.weight);
        keep(names, await uploadStack(gpu, source, infosOf(names), 'sequence'));
      }
    }
  }
  for (const op of program.ops) {
    const isMatrix = op.op === 'embed' || op.op === 'matmul' || op.op === 'expertMatmul';
    if (isMatrix && !weights.has(op.weight)) {
      weights.set(op.weight, await uploadWeight(gpu, source, infoOf(source, op.weight)));
    }
  }
  const factorNames = program.ops.flatMap((op) => (op.op === 'rope' ? ropeWeights(op.rope.scaling) : []));
  const { vectors, decoded } = await loadVectors(gpu, source, steps, [...new Set(factorNames)]);
  return { gpu, program, steps, weights, vectors, factors: decoded, chunkPositions };
}

/** Twice does no harm. */
export function releaseProgram({ weights, vectors }: GpuProgram): void {
  for (const { parts } of weights.values()) for (const { buffer } of parts) buffer.destroy();
  vectors.buffer.destroy();
}
