// How many cases a part promises on an executor.
import type { ExecutorId } from '../../engine/index.ts';
import type { Part } from './falsifier.ts';

/** 0 where there is no such part. */
export function plannedOn(executor: ExecutorId, part: Pick<Part, 'planned'> | undefined): number {
  const planned = part?.planned ?? 0;
  if (typeof planned === 'number') return planned;
  return executor === 'webgpu' ? planned.webgpu : planned.cpu;
}
