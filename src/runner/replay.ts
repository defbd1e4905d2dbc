// `pv replay`: runs the stored counterexamples of a claim. Where a refutation was not an input of a search, or none is
// stored but a seed is given, the whole part is run with the seed. Writes nothing.
import { RefuteError } from '../errors.ts';
import type { Claim } from './contract/model.ts';
import { counterexamplesOf } from './evidence/store.ts';
import type { PartName } from './contract/part-names.ts';
import type { Project } from './contract/project.ts';
import { overallVerdict } from './run/part-result.ts';
import type { ClaimOutcome } from './evidence/claim-outcome.ts';
import { storedCases, type FalsifyEvents } from './falsify.ts';
import { moduleDescriber, runClaim } from './run/run-claim.ts';
import type { ClaimJob, ClaimRun, DescribeModule, RunClaimOptions } from './run/run-claim.ts';

export type ReplayOptions = Pick<RunClaimOptions, 'part' | 'seed' | 'adapter' | 'timeLimitMs'>;

export async function replay(
  project: Project,
  jobs: readonly ClaimJob[],
  options: ReplayOptions,
  events: FalsifyEvents,
): Promise<ClaimOutcome[]> {
  const describe = moduleDescriber(project.root);
  const outcomes: ClaimOutcome[] = [];
  for (const [index, { claim, executor }] of jobs.entries()) {
    const onProgress = (what: string): void => events.onProgress(index, jobs.length, claim, what);
    const runOptions = { ...options, executor, root: project.root, onProgress };
    const outcome = await replayClaim(project, claim, runOptions, describe);
    outcomes.push(outcome);
    events.onOutcome(outcome);
  }
  return outcomes;
}

async function replayClaim(
  project: Project,
  claim: Claim,
  options: RunClaimOptions,
  describe: DescribeModule,
): Promise<ClaimOutcome> {
  const { executor } = options;
  try {
    const runs: ClaimRun[] = [];
    for (const { part, ...how } of stepsFor(project, claim, options)) {
      runs.push(await runClaim(claim, { ...options, ...how, part, withoutFaults: true }, describe));
    }
    const [first] = runs;
    if (first === undefined) {
      const is = 'no counterexample is stored for it';
      throw new RefuteError(
        { code: 'E_NOTHING_STORED', place: claim.id, is, next: 'A seed (--seed) replays a run' },
        2,
      );
    }
    const run: ClaimRun = { ...first, parts: runs.flatMap((each) => each.parts) };
    return { claim, executor, verdict: overallVerdict(run.parts), run, written: null, error: null };
  } catch (error) {
    if (!(error instanceof RefuteError)) throw error;
    const verdict = error.exitCode === 2 ? 'not-run' : 'error';
    return { claim, executor, verdict, run: null, written: null, error };
  }
}

type ReplayStep = { part: PartName } & Pick<RunClaimOptions, 'seed' | 'replays' | 'replayOnly'>;

function stepsFor(project: Project, claim: Claim, options: RunClaimOptions): ReplayStep[] {
  const stored = storedCases(project.root, claim);
  const files = counterexamplesOf(project.root, claim).filter(({ file }) => file.claim === claim.id);
  const parts = new Set(files.map(({ file }) => file.part));
  if (options.seed !== undefined && parts.size === 0)
    return [{ part: options.part ?? 'generated', seed: options.seed }];
  return [...parts]
    .filter((part) => options.part === undefined || options.part === part)
    .map((part): ReplayStep => {
      if (options.seed === undefined && stored[part] !== undefined) return { part, replays: stored, replayOnly: true };
      const seed = options.seed ?? files.find(({ file }) => file.part === part)?.file.seed;
      return seed === undefined ? { part } : { part, seed };
    });
}
