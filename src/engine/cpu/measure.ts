// What `apr bench` measures of the CPU engine beside whole runs. Loaded when it is asked for: most commands measure nothing.
import type { WeightSource } from '../program/executor.ts';
import type { Program } from '../program/program.ts';
import type { OpProfiler } from './profile-ops.ts';

export type { OpTime } from './profile-ops.ts';

/** Bytes per second that one thread reads, the fastest of a few runs. */
export async function measureReadBandwidth(): Promise<number> {
  return (await import('./read-bandwidth.ts')).measureReadBandwidth();
}

/** Holds the weights once more: close the executor before. */
export async function openOpProfiler(
  program: Program,
  weights: WeightSource,
  contextLength: number,
): Promise<OpProfiler> {
  return (await import('./profile-ops.ts')).OpProfiler.open(program, weights, contextLength);
}
