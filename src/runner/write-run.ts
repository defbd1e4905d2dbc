// Writes down what a run gave: counterexamples first, then the receipt, then the findings. Killed between two of them,
// the next run of the same claim completes the set.
import { RefuteError } from '../errors.ts';
import { findingsText } from './report/findings-page.ts';
import { PART_NAMES } from './contract/part-names.ts';
import type { ClaimRun } from './run/run-claim.ts';
import { NOTHING_TOUCHED } from './run/protocol.ts';
import type { Project } from './contract/project.ts';
import type { WrittenRun } from './evidence/claim-outcome.ts';
import { clock, environmentOf, thisMachine } from './evidence/environment.ts';
import { claimFolder, FINDINGS_FILE, receiptPath } from './evidence/paths.ts';
import { comparePins, PinReader, type PinnedInputs, type Pins } from './evidence/pins.ts';
import { pinsDigest, receiptText, sealReceipt, type Confirmation, type VolatilePart } from './evidence/receipt.ts';
import { isSameQuestion, outputsDigest, recordRun, touchedInputs } from './evidence/record.ts';
import { receiptsOfClaim, writeIfChanged } from './evidence/store.ts';

/** What does not change while pv runs. */
export interface WriteSession {
  project: Project;
  source: VolatilePart['source'];
}

/**
 * @throws RefuteError E_OPTION where the clock is fixed to something that is no time; E_GATE_SKIPPED (declined) where GPUs
 * would run ungated
 */
export async function openWriteSession(project: Project): Promise<WriteSession> {
  clock();
  assertGateRuns();
  return { project, source: await sourceOf(project.root) };
}

/** Pins of what is known before anything ran; the run's own must not contradict them. */
export function pinsBefore(
  root: string,
  subject: Omit<PinnedInputs, 'touched'>,
  reached: Pick<PinnedInputs['touched'], 'programs' | 'product'>,
): Promise<Pins> {
  return new PinReader(root).read({ ...subject, touched: { ...NOTHING_TOUCHED, ...reached } });
}

function inputsOf({ claim, executor, bar, module }: ClaimRun, touched: PinnedInputs['touched']): PinnedInputs {
  return { claim, executor, bar, module, touched };
}

/** @throws RefuteError E_INPUT_CHANGED when a file changed during the run: which version ran is unknown */
export async function writeRun(session: WriteSession, run: ClaimRun, before: Pins): Promise<WrittenRun> {
  const { root } = session.project;
  const environment = environmentOf(run);
  const path = receiptPath(run.claim, environment.class);
  const previous = receiptsOfClaim(root, run.claim).find((entry) => entry.path === path)?.receipt ?? null;
  const reader = new PinReader(root);
  let pins = await reader.read(inputsOf(run, touchedInputs(run, previous?.predicate.stable ?? null)));
  assertUnchanged(before, pins, run.claim.id);
  const isSame = previous !== null && isSameQuestion(previous.predicate.stable, { run, environment, pins });
  if (!isSame) pins = await reader.read(inputsOf(run, touchedInputs(run, null)));

  const { startedAt, isFixed } = clock();
  const volatile = { startedAt, machine: thisMachine(), source: session.source };
  const recorded = recordRun({ root, run, environment, pins, previous, volatile, isClockFixed: isFixed });
  const folder = claimFolder(run.claim);
  for (const { name, text } of recorded.counterexamples) await writeIfChanged(root, `${folder}/${name}`, text);
  await writeIfChanged(root, path, receiptText(recorded.receipt));
  await writeFindings(root, run);
  return { path, receipt: recorded.receipt, isUnchanged: recorded.isUnchanged };
}

/** Adds this machine's result to a receipt that another machine wrote for the same pins. */
export async function writeConfirmation(session: WriteSession, run: ClaimRun): Promise<WrittenRun> {
  const { root } = session.project;
  const path = receiptPath(run.claim, environmentOf(run).class);
  const previous = receiptsOfClaim(root, run.claim).find((entry) => entry.path === path)?.receipt ?? null;
  if (previous === null) throw refusal(path, 'there is no receipt to confirm', 'Run "pv falsify" without --confirm');
  const { stable, confirmations, volatile } = previous.predicate;
  const pins = await new PinReader(root).read(inputsOf(run, stable.touched));
  const [change] = comparePins(stable.pins, pins);
  if (change !== undefined) {
    throw refusal(path, `the receipt is stale: ${change.pin} changed`, 'Run "pv falsify" without --confirm');
  }
  const machine = thisMachine().id;
  if (machine === volatile.machine.id) {
    throw refusal(path, 'this is the machine that wrote the receipt', 'A confirmation comes from a second machine');
  }
  const parts: Confirmation['parts'] = {};
  for (const name of PART_NAMES) {
    const result = run.parts.find((part) => part.part === name);
    if (result !== undefined) parts[name] = { verdict: result.verdict, outputs: outputsDigest(result.report) };
  }
  const confirmation: Confirmation = { machine, class: stable.environment.class, pins: pinsDigest(stable.pins), parts };
  const others = confirmations.filter((entry) => entry.machine !== machine);
  const sorted = [...others, confirmation].toSorted((a, b) => (a.machine < b.machine ? -1 : 1));
  const receipt = sealReceipt({ stable, confirmations: sorted, volatile });
  const isWritten = await writeIfChanged(root, path, receiptText(receipt));
  await writeFindings(root, run);
  return { path, receipt, isUnchanged: !isWritten };
}

async function writeFindings(root: string, { claim }: ClaimRun): Promise<void> {
  const receipts = receiptsOfClaim(root, claim).flatMap(({ receipt }) => (receipt === null ? [] : [receipt]));
  await writeIfChanged(root, `${claimFolder(claim)}/${FINDINGS_FILE}`, findingsText(claim, receipts));
}

function assertUnchanged(before: Pins, after: Pins, claim: string): void {
  // What this run did not reach, though an earlier one did, does not count.
  const expected = Object.fromEntries(Object.entries(before).filter(([name]) => name in after));
  const found = Object.fromEntries(Object.keys(expected).map((name) => [name, after[name] ?? 'absent']));
  const [change] = comparePins(expected, found);
  if (change === undefined) return;
  const is = `${change.pin} changed while the claim was running, so nothing was written`;
  throw new RefuteError({ code: 'E_INPUT_CHANGED', place: claim, is, next: 'Run it again' });
}

function refusal(place: string, is: string, next: string): RefuteError {
  return new RefuteError({ code: 'E_CONFIRM', place, is, next }, 2);
}

/** Which commit the sources are, for people. null outside git. */
async function sourceOf(root: string): Promise<VolatilePart['source']> {
  const { execa } = await import('execa');
  const git = (...argv: string[]): Promise<{ exitCode?: number; stdout: string }> =>
    execa('git', argv, { cwd: root, reject: false });
  const [head, status] = await Promise.all([
    git('rev-parse', 'HEAD'),
    git('status', '--porcelain', '--untracked-files=no'),
  ]);
  if (head.exitCode !== 0) return null;
  return { commit: head.stdout.trim(), isDirty: status.stdout.trim() !== '' };
}

/** Programs that a falsifier starts inherit it, and a GPU would speak in them that nobody has held against the CPU. */
function assertGateRuns(): void {
  const value = process.env[SKIP_GATE_VARIABLE] ?? '';
  if (value === '' || value === '0') return;
  const is = `it is ${JSON.stringify(value)}: runs without the parity gate leave no receipt`;
  const next = 'Unset it, or look only: pv falsify --dry-run';
  throw new RefuteError({ code: 'E_GATE_SKIPPED', place: SKIP_GATE_VARIABLE, is, next }, 2);
}

const SKIP_GATE_VARIABLE = 'SKIP_PARITY_GATE';
