// One `pv falsify`: runs the chosen claims, some at once, writes each receipt as soon as its claim is done, and the
// contracts once at the end. Tells what happens through events; printing is the command's.
import { availableParallelism } from 'node:os';
import { RefuteError } from '../errors.ts';
import { assessProject, type Assessment } from './evidence/assess.ts';
import { contractUpdates, writeContract } from './contract-update.ts';
import type { LevelChange } from './level/level-change.ts';
import { counterexamplesOf, removeLeftovers } from './evidence/store.ts';
import { openWriteSession, pinsBefore, writeConfirmation, writeRun, type WrittenRun } from './write-run.ts';
import type { Claim } from './contract/model.ts';
import { entriesOf } from './sources/entries.ts';
import { openProject, type Project } from './contract/project.ts';
import { overallVerdict } from './report/text.ts';
import { assertKernelsCurrent } from './sources/kernel-currency.ts';
import { claimSubject, moduleDescriber, runClaim, type ClaimRun, type RunClaimOptions } from './run/run-claim.ts';
import type { StoredCase } from './run/protocol.ts';
import type { PartName } from './contract/part-names.ts';
import type { Verdict } from './level/types.ts';

/** Their children are limited where they are started; this keeps the cores busy while one claim waits. */
const CLAIMS_AT_ONCE = availableParallelism();

export interface FalsifyOptions extends Pick<RunClaimOptions, 'part' | 'seed' | 'repeat' | 'model' | 'timeLimitMs'> {
  /** Write nothing. */
  isDryRun: boolean;
  /** Add this machine's result to receipts that stand, instead of making new ones. */
  isConfirmation: boolean;
  /** Try the stored counterexamples first. */
  useCounterexamples: boolean;
}

/** What came of one claim. `run` is null where nothing could be run; then `error` says why. */
export interface ClaimOutcome {
  claim: Claim;
  verdict: Verdict;
  run: ClaimRun | null;
  written: WrittenRun | null;
  error: RefuteError | null;
}

export interface FalsifyEvents {
  onProgress: (index: number, count: number, claim: Claim, what: string) => void;
  onOutcome: (outcome: ClaimOutcome) => void;
}

export interface FalsifyResult {
  outcomes: ClaimOutcome[];
  /** null after a dry run. */
  assessment: Assessment | null;
  /** Per contract whose text changed: path and levels. */
  updates: { path: string; changes: LevelChange[] }[];
}

export async function falsify(
  project: Project,
  claims: readonly Claim[],
  options: FalsifyOptions,
  events: FalsifyEvents,
): Promise<FalsifyResult> {
  const { isDryRun } = options;
  if (!isDryRun) removeLeftovers(project.root);
  const session = isDryRun ? null : await openWriteSession(project);
  const describe = moduleDescriber(project.root);
  const falsifyClaim = async (claim: Claim, onProgress: (what: string) => void): Promise<ClaimOutcome> => {
    onProgress('');
    try {
      const subject = claimSubject(project.root, claim);
      await assertKernelsCurrent(project.root, entriesOf(subject.module, { programs: [] }));
      const before = session === null ? {} : await pinsBefore(project.root, subject);
      const replays = options.useCounterexamples ? storedCases(project.root, claim) : {};
      const run = await runClaim(
        claim,
        { ...options, withoutFaults: options.isConfirmation, root: project.root, replays, onProgress },
        describe,
      );
      for (const { report } of run.parts) {
        if (report !== undefined) await assertKernelsCurrent(project.root, entriesOf(null, report.touched));
      }
      let written: WrittenRun | null = null;
      if (session !== null && run.parts.length > 0) {
        written = options.isConfirmation ? await writeConfirmation(session, run) : await writeRun(session, run, before);
      }
      return { claim, verdict: overallVerdict(run.parts), run, written, error: null };
    } catch (error) {
      if (!(error instanceof RefuteError)) throw error;
      return { claim, verdict: error.exitCode === 2 ? 'not-run' : 'error', run: null, written: null, error };
    }
  };
  const outcomes = await inOrder(
    claims,
    (claim, index) =>
      falsifyClaim(claim, (what) => {
        events.onProgress(index, claims.length, claim, what);
      }),
    events.onOutcome,
  );
  if (isDryRun) return { outcomes, assessment: null, updates: [] };
  return { outcomes, ...(await updateContracts(project, outcomes)) };
}

/** Some claims at once, so that no core waits for the slowest part of one; what came of them is told in their order. */
async function inOrder<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
  onResult: (result: Result) => void,
): Promise<Result[]> {
  const results: Result[] = [];
  let nextIndex = 0;
  let toldCount = 0;
  const workOff = async (): Promise<void> => {
    for (let index = nextIndex++; index < items.length; index = nextIndex++) {
      const item = items[index];
      if (item === undefined) return;
      try {
        results[index] = await work(item, index);
      } catch (error) {
        nextIndex = items.length;
        throw error;
      }
      for (let done = results[toldCount]; done !== undefined; done = results[++toldCount]) onResult(done);
    }
  };
  await Promise.all(Array.from({ length: CLAIMS_AT_ONCE }, workOff));
  return results;
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
