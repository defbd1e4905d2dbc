// Which claims have something to do, and on which of their executors: where no receipt still holds.
import type { Project } from '../contract/project.ts';
import type { ClaimJob } from '../run/run-claim.ts';
import { assessProject } from './assess.ts';
import { environmentOf, SOFTWARE_CLASS } from './environment.ts';

/**
 * A receipt of another class of machine does not count. @param adapter as the run will ask for it: which one that is, and
 * so its class, is known after a run only
 */
export async function withoutFreshReceipt(
  project: Project,
  jobs: readonly ClaimJob[],
  adapter?: string,
): Promise<ClaimJob[]> {
  const here = environmentOf({ executor: 'cpu', adapter: null }).class;
  const { claims: statuses } = await assessProject(project);
  const receiptsOf = new Map(statuses.map(({ claim, receipts }) => [claim, receipts]));
  const isDone = ({ claim, executor }: ClaimJob): boolean =>
    (receiptsOf.get(claim) ?? []).some(({ receipt, changes }) => {
      const { environment } = receipt.predicate.stable;
      const isAsked =
        adapter === undefined
          ? environment.class === SOFTWARE_CLASS
          : environment.adapter?.toLowerCase().includes(adapter.toLowerCase()) === true;
      return changes.length === 0 && (executor === 'cpu' ? environment.class === here : isAsked);
    });
  return jobs.filter((job) => !isDone(job));
}
