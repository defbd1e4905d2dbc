// How a falsifier writes its planted faults down: a change of one place of a product file, and a fault that another part
// than the generated one must see. Known bugs with a name of their own are in the catalogue (src/diagnosis/faults).
import type { PlantedFault } from '../../../src/runner/run/falsifier.ts';

/** @param file from the project root. @param change text that occurs in it once, and what stands there instead */
export function sourceFault(
  file: string,
  id: string,
  title: string,
  size: PlantedFault['size'],
  [find, replace]: readonly [string, string],
): PlantedFault {
  return { id, title, size, inject: { kind: 'source', file, find, replace } };
}

/** The same fault under an id of its own, for that part to turn red on. */
export function seenIn(part: 'live' | 'oracle', id: string, fault: PlantedFault): PlantedFault {
  return { ...fault, id, part };
}
