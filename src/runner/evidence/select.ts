// Which claims have something to do: those that lack a receipt that still holds, on one of their executors.
import type { Claim } from '../contract/model.ts';
import type { Project } from '../contract/project.ts';
import { executorsOf } from '../run/run-claim.ts';
import { assessProject, type AssessedReceipt } from './assess.ts';
import { environmentOf } from './environment.ts';

/** On the CPU a receipt of another class of machine does not count; which adapter is here is not known before a run. */
export async function withoutFreshReceipt(project: Project, claims: readonly Claim[]): Promise<Claim[]> {
  const here = environmentOf({ executor: 'cpu', adapter: null }).class;
  const { claims: statuses } = await assessProject(project);
  const holdsHere = ({ receipt, changes }: AssessedReceipt, executor: string): boolean => {
    const { environment } = receipt.predicate.stable;
    const isOurs = executor === 'cpu' ? environment.class === here : environment.executor === executor;
    return changes.length === 0 && isOurs;
  };
  const isDone = new Set(
    statuses
      .filter(({ claim, receipts }) =>
        executorsOf(claim).every((executor) => receipts.some((entry) => holdsHere(entry, executor))),
      )
      .map(({ claim }) => claim),
  );
  return claims.filter((claim) => !isDone.has(claim));
}
