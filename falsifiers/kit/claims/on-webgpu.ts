// Faults in the source of the WebGPU executor, by name, for the runs on it. Receipts of other executors do not hang on what
// is behind this.
import type { PlantedFault } from '../../../src/runner/run/falsifier.ts';

/** By their names in wgsl-faults.webgpu.ts: `wgsl-lost-eps`, `wgsl-lost-eps-in-live` (for that part to see). */
export function onWebgpu(names: string): () => Promise<readonly PlantedFault[]> {
  return async () => (await import('./wgsl-faults.webgpu.ts')).wgslFaults(names);
}
