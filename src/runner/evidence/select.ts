// Which claims have something to do, and on which of their executors: where no receipt still holds.
import type { Claim } from '../contract/model.ts';
import type { Project } from '../contract/project.ts';
import { jobsOf, type ClaimJob } from '../run/run-claim.ts';
import { assessProject } from './assess.ts';
import { environmentOf } from './environment.ts';

/** A CPU receipt of another class of machine does not count; which adapter is here is known after a run only. */
export async function withoutFreshReceipt(project: Project, claims: readonly Claim[]): Promise<ClaimJob[]> {
  const here = environmentOf({ executor: 'cpu', adapter: null }).class;
  const { claims: statuses } = await assessProject(project);
  const receiptsOf = new Map(statuses.map(({ claim, receipts }) => [claim, receipts]));
  const isDone = ({ claim, executor }: ClaimJob): boolean =>
    (receiptsOf.get(claim) ?? []).some(({ receipt, changes }) => {
      const { environment } = receipt.predicate.stable;
      const isOurs = executor === 'cpu' ? environment.class === here : environment.executor === executor;
      return changes.length === 0 && isOurs;
    });
  return jobsOf(claims).filter((job) => !isDone(job));
}
