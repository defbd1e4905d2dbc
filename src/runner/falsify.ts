// One `pv falsify`: runs the chosen claims, some at once, writes each receipt as soon as its claim is done, and the
// contracts once at the end. Tells what happens through events; printing is the command's.
import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { RefuteError } from '../errors.ts';
import { assessProject } from './evidence/assess.ts';
import { contractUpdates, writeContract } from './contract-update.ts';
import type { ClaimOutcome, FalsifyResult } from './evidence/claim-outcome.ts';
import { counterexamplesOf, receiptsOfClaim, removeLeftovers } from './evidence/store.ts';
import { openWriteSession, pinsBefore, writeConfirmation, writeRun } from './write-run.ts';
import type { Claim } from './contract/model.ts';
import { entriesOf } from './sources/entries.ts';
import { openProject, type Project } from './contract/project.ts';
import { overallVerdict } from './run/part-result.ts';
import { assertKernelsCurrent } from './sources/kernel-currency.ts';
import { claimSubject, moduleDescriber, runClaim, type ClaimJob, type RunClaimOptions } from './run/run-claim.ts';
import { NOTHING_TOUCHED, type StoredCase, type TouchedInputs } from './run/protocol.ts';
import type { PartName } from './contract/part-names.ts';

/** Their children are limited where they are started; this keeps the cores busy while one claim waits. */
const CLAIMS_AT_ONCE = availableParallelism();

type PassedOn = 'part' | 'seed' | 'repeat' | 'model' | 'adapter' | 'timeLimitMs';

export interface FalsifyOptions extends Pick<RunClaimOptions, PassedOn> {
  /** Write nothing. */
  isDryRun: boolean;
  /** Add this machine's result to receipts that stand, instead of making new ones. */
  isConfirmation: boolean;
  /** Try the stored counterexamples first. */
  useCounterexamples: boolean;
}

export interface FalsifyEvents {
  onProgress: (index: number, count: number, claim: Claim, what: string) => void;
  onOutcome: (outcome: ClaimOutcome) => void;
}

export async function falsify(
  project: Project,
  jobs: readonly ClaimJob[],
  options: FalsifyOptions,
  events: FalsifyEvents,
): Promise<FalsifyResult> {
  const { isDryRun } = options;
  if (!isDryRun) removeLeftovers(project.root);
  const session = isDryRun ? null : await openWriteSession(project);
  const describe = moduleDescriber(project.root);
  const falsifyClaim = async (
    { claim, executor }: ClaimJob,
    onProgress: (what: string) => void,
  ): Promise<ClaimOutcome> => {
    onProgress('');
    try {
      const subject = claimSubject(project.root, claim);
      const reached = reachedBefore(project.root, claim);
      await assertKernelsCurrent(project.root, entriesOf(subject.module, reached ?? NOTHING_TOUCHED));
      const watched = reached ?? { programs: ['apr', 'pv'], product: ['model', `executor:${executor}`] };
      const before = session === null ? {} : await pinsBefore(project.root, { ...subject, executor }, watched);
      const replays = options.useCounterexamples ? storedCases(project.root, claim) : {};
      const run = await runClaim(
        claim,
        { ...options, executor, withoutFaults: options.isConfirmation, root: project.root, replays, onProgress },
        describe,
      );
      for (const { report } of run.parts) {
        if (report !== undefined) await assertKernelsCurrent(project.root, entriesOf(null, report.touched));
      }
      let written: ClaimOutcome['written'] = null;
      // Without the executor there is no adapter, so the receipt would have no environment class.
      const isThere = run.parts.some(({ reason }) => reason.code !== 'executor-absent');
      if (session !== null && isThere) {
        written = options.isConfirmation ? await writeConfirmation(session, run) : await writeRun(session, run, before);
      }
      return { claim, executor, verdict: overallVerdict(run.parts), run, written, error: null };
    } catch (error) {
      if (!(error instanceof RefuteError)) throw error;
      const verdict = error.exitCode === 2 ? 'not-run' : 'error';
      return { claim, executor, verdict, run: null, written: null, error };
    }
  };
  // Several at once, so that no core waits for the slowest part of a claim; outcomes are reported in claim order.
  const limit = pLimit(CLAIMS_AT_ONCE);
  const running = jobs.map((job, index) =>
    limit(() => falsifyClaim(job, (what) => events.onProgress(index, jobs.length, job.claim, what))),
  );
  const all = Promise.all(running);
  // The first that throws ends the others before they begin.
  all.catch(() => limit.clearQueue());
  for (const outcome of running) events.onOutcome(await outcome);
  const outcomes = await all;
  if (isDryRun) return { outcomes, assessment: null, updates: [] };
  return { outcomes, ...(await updateContracts(project, outcomes)) };
}

/**
 * The code that a run will reach by name, as the receipts tell: a change of it meanwhile must be noticed. null without
 * a receipt: it may be anything.
 */
export function reachedBefore(root: string, claim: Claim): Pick<TouchedInputs, 'programs' | 'product'> | null {
  const receipts = receiptsOfClaim(root, claim).flatMap(({ receipt }) => (receipt === null ? [] : [receipt]));
  if (receipts.length === 0) return null;
  const touched = receipts.map(({ predicate }) => predicate.stable.touched);
  return {
    programs: touched.flatMap(({ programs }) => programs),
    product: touched.flatMap(({ product = [] }) => product),
  };
}

/** The contracts are read anew: whatever their authors did to them meanwhile stays. */
async function updateContracts(
  project: Project,
  outcomes: readonly ClaimOutcome[],
): Promise<Pick<FalsifyResult, 'assessment' | 'updates'>> {
  const assessment = await assessProject(openProject(project.root));
  const ran = outcomes.filter((outcome) => outcome.written !== null);
  const keys = new Set(ran.map(({ claim }) => `${claim.contract.name}/${claim.id}`));
  const updates = contractUpdates(assessment, keys);
  for (const update of updates) await writeContract(update);
  return { assessment, updates: updates.map(({ contract, changes }) => ({ path: contract.path, changes })) };
}

/** The stored cases of a claim, by the part that they belong to. */
export function storedCases(root: string, claim: Claim): Partial<Record<PartName, StoredCase[]>> {
  const cases: Partial<Record<PartName, StoredCase[]>> = {};
  for (const { file } of counterexamplesOf(root, claim)) {
    if (file.claim !== claim.id || file.stored === null) continue;
    cases[file.part] = [...(cases[file.part] ?? []), file.stored];
  }
  return cases;
}
