// Which claims have something to do: those without a receipt of this class of machine that still holds.
import type { Claim } from '../contract/model.ts';
import type { Project } from '../contract/project.ts';
import { assessProject } from './assess.ts';
import { environmentOf } from './environment.ts';

export async function withoutFreshReceipt(project: Project, claims: readonly Claim[]): Promise<Claim[]> {
  const here = environmentOf('cpu').class;
  const { claims: statuses } = await assessProject(project);
  const isFresh = new Set(
    statuses
      .filter(({ receipts }) =>
        receipts.some(
          ({ receipt, changes }) => changes.length === 0 && receipt.predicate.stable.environment.class === here,
        ),
      )
      .map(({ claim }) => claim),
  );
  return claims.filter((claim) => !isFresh.has(claim));
}
