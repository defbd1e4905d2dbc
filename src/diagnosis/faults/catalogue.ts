// The fault catalogue: every known bug that the product can plant in itself, by id. DESIGN §6; ids of the mutation suite.
import { ATTENTION_FAULTS } from './attention.ts';
import type { CataloguePlant, Fault } from './fault.ts';
import { NORM_FAULTS } from './norm.ts';
import { ROPE_FAULTS } from './rope.ts';
import { TOKEN_FAULTS } from './tokens.ts';
import { WEIGHT_FAULTS } from './weights.ts';

export const FAULTS: readonly Fault[] = [
  ...TOKEN_FAULTS,
  ...WEIGHT_FAULTS,
  ...NORM_FAULTS,
  ...ROPE_FAULTS,
  ...ATTENTION_FAULTS,
];

const byId: ReadonlyMap<string, Fault> = new Map(FAULTS.map((fault) => [fault.id, fault]));

/** @throws Error where the catalogue has no such id: a falsifier names it, so that is a mistake in the falsifier */
export function faultById(id: string): Fault {
  const fault = byId.get(id);
  if (fault === undefined) throw new Error(`the fault catalogue has no "${id}"`);
  return fault;
}

/** The fault as a falsifier plants it: `R1` is the known bug, `R1-small` the same at one site. */
export function plant(id: string, size: 'gross' | 'small'): CataloguePlant {
  const { title, inject } = faultById(id)[size];
  return { id: size === 'gross' ? id : `${id}-small`, title, size, inject };
}
