// A fault variant that changes one place of a CPU kernel's source. No bugs here.
import type { FaultVariant } from '../fault.ts';

/** @param file below the kernels' folder. @param find text that occurs in it once */
export function kernelChange(title: string, file: string, find: string, replace: string): FaultVariant {
  return { title, inject: { kind: 'source', file: `src/engine/cpu/kernels/${file}`, find, replace } };
}
