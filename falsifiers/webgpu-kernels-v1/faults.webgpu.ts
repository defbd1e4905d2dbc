// Faults in real WGSL source, and in what dispatches it, that the claims about kernels plant.
import type { PlantedFault } from '../../src/runner/run/falsifier.ts';
import { plants } from '../kit/claims/plants.ts';

const FAULTS: readonly PlantedFault[] = plants`
  src/gpu/wgsl/rope.wgsl
  gross pairing: pairs are taken the other way round
  -   let is_second = select(channel & 1u, channel / half, params.is_neox == 1u) == 1u;
  +   let is_second = select(channel & 1u, channel / half, params.is_neox == 0u) == 1u;
`;

/** By their names: `pairing`, `pairing-in-live` (for that part to see). @throws Error where there is no such fault */
export function kernelFaults(names: string): PlantedFault[] {
  return names
    .split(' ')
    .filter((name) => name !== '')
    .map((name) => {
      const [, id, part] = /^(.*?)(?:-in-(live|oracle))?$/.exec(name) ?? [];
      const fault = FAULTS.find((candidate) => candidate.id === id);
      if (fault === undefined) throw new Error(`there is no fault "${id}" of a WGSL kernel`);
      return { ...fault, id: name, ...(part === undefined ? {} : { part: part as 'live' | 'oracle' }) };
    });
}
