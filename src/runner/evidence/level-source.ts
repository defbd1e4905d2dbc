// The levels that a project's evidence supports, for comparison with those that contracts state (LVL-001).
import type { DeriveLevel } from '../contract/index.ts';
import type { Contract } from '../contract/model.ts';
import { describeCause } from '../level/cause.ts';
import { assessProject } from './assess.ts';

/** Stale receipts keep their word here: a changed file makes a level stale, not a lie. */
export async function evidenceLevels(root: string, contracts: readonly Contract[]): Promise<DeriveLevel> {
  const { claims } = await assessProject({ root, contracts: [...contracts] });
  const derived = new Map(claims.map(({ claim, derivation }) => [claim, derivation]));
  return (claim) => {
    const derivation = derived.get(claim);
    if (derivation === undefined)
      return { level: 'NONE', cause: 'the claim is not among the contracts that were read' };
    return { level: derivation.word, cause: derivation.cause === null ? '' : describeCause(derivation.cause) };
  };
}
