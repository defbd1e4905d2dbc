// Faults of the catalogue (src/diagnosis/faults) as a falsifier plants them. New ones are in plants.ts.
import { plantFrom, type Fault } from '../../../src/diagnosis/faults/fault.ts';
import type { PlantedFault } from '../../../src/runner/run/falsifier.ts';

/** By their names in a receipt: `R1`, `R1-small` (one site of it), `R1-small-in-live` (for that part to see). */
export function known(faults: readonly Fault[], names: string): PlantedFault[] {
  return names.split(' ').map((name) => {
    const [, id = '', small, part] = /^(.*?)(-small)?(?:-in-(live|oracle))?$/.exec(name) ?? [];
    const fault = plantFrom(faults, id, small === undefined ? 'gross' : 'small');
    return { ...fault, id: name, ...(part === undefined ? {} : { part: part as 'live' | 'oracle' }) };
  });
}
