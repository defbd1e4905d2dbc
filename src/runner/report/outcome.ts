// What a run says: lines per claim, the last line with its denominators, the exit code, and the JSON document. One
// model for all of them; text.ts has the sentences.
import { movesText } from '../level/level-change.ts';
import type { ClaimOutcome, FalsifyResult } from '../evidence/claim-outcome.ts';
import { VERDICTS, type Verdict } from '../level/types.ts';
import { formatNumber } from '../contract/bar.ts';
import type { ClaimRun } from '../run/run-claim.ts';
import { describeFaultReason, describeReason } from '../run/describe-reason.ts';
import { detailLines, faultsText, figureText, partText, seconds } from './text.ts';

/** The first line stands beside the verdict, the others below it. */
export function outcomeLines({ run, written, error }: ClaimOutcome): string[] {
  if (run === null) return [error?.message ?? ''];
  const durationMs = run.parts.reduce((sum, part) => sum + part.durationMs, 0);
  const head = [
    run.parts.map(partText).join(', '),
    figureText(run.bar, run.parts),
    ...(run.faults.length === 0 && written === null ? [] : [faultsText(run.faults)]),
    seconds(durationMs),
  ];
  return [head.filter((text) => text !== '').join(' · '), ...detailLines(run)];
}

/** Which contracts were changed, and how. */
export function updateLines({ updates }: FalsifyResult): string[] {
  return updates.map(({ path, changes }) => {
    return `${path}: ${changes.length === 0 ? 'evidence updated, levels as before' : movesText(changes)}`;
  });
}

/** `3 of 3 claims run · 2 survived, 1 falsified, … · faults 4/4 red · 8.1 s` */
export function summaryLine(outcomes: readonly ClaimOutcome[], durationMs: number): string {
  const counts = countVerdicts(outcomes);
  const isRun = (outcome: ClaimOutcome): boolean => outcome.run !== null && outcome.verdict !== 'not-run';
  const claims = Map.groupBy(outcomes, ({ claim }) => claim);
  const run = [...claims.values()].filter((ofClaim) => ofClaim.every(isRun)).length;
  const faults = outcomes.flatMap((outcome) => outcome.run?.faults ?? []);
  const red = faults.filter((fault) => fault.verdict === 'red').length;
  const written = outcomes.flatMap((outcome) => outcome.written ?? []);
  const unchanged = written.filter((entry) => entry.isUnchanged).length;
  return [
    `${run} of ${claims.size} claims run`,
    VERDICTS.map((verdict) => `${counts[verdict]} ${verdict}`).join(', '),
    ...(faults.length === 0 ? [] : [`faults ${red}/${faults.length} red`]),
    written.length === 0 ? 'nothing written' : `${written.length - unchanged} receipts written, ${unchanged} unchanged`,
    seconds(durationMs),
  ].join(' · ');
}

function countVerdicts(outcomes: readonly ClaimOutcome[]): Record<Verdict, number> {
  const count = (verdict: Verdict): number => outcomes.filter((outcome) => outcome.verdict === verdict).length;
  return Object.fromEntries(VERDICTS.map((verdict) => [verdict, count(verdict)])) as Record<Verdict, number>;
}

/**
 * 1: something was measured and failed – a refutation, a flaky answer, a planted fault that nobody saw. 3: something
 * broke. 2: something was not measured. In this order, because a refutation must not hide behind a missing model.
 */
export function exitCodeOf(outcomes: readonly ClaimOutcome[]): 0 | 1 | 2 | 3 {
  const verdicts = new Set(outcomes.map((outcome) => outcome.verdict));
  const faults = new Set(outcomes.flatMap((outcome) => outcome.run?.faults ?? []).map((fault) => fault.verdict));
  if (verdicts.has('falsified') || verdicts.has('flaky') || faults.has('green')) return 1;
  if (verdicts.has('error') || (faults.has('error') && !verdicts.has('error'))) return 3;
  return outcomes.length === 0 || verdicts.has('not-run') || faults.has('not-run') ? 2 : 0;
}

export function falsifyJson(result: FalsifyResult, durationMs: number): object {
  return {
    schemaVersion: 1,
    durationMs: Math.round(durationMs),
    counts: { claims: new Set(result.outcomes.map(({ claim }) => claim)).size, ...countVerdicts(result.outcomes) },
    claims: result.outcomes.map((outcome) => ({
      id: outcome.claim.id,
      contract: outcome.claim.contract.name,
      executor: outcome.executor,
      verdict: outcome.verdict,
      error: outcome.error === null ? null : { code: outcome.error.code, message: outcome.error.message },
      receipt: outcome.written === null ? null : outcome.written.path,
      isUnchanged: outcome.written?.isUnchanged ?? null,
      ...(outcome.run === null ? {} : runJson(outcome.run)),
    })),
    contracts: result.updates,
  };
}

function runJson(run: ClaimRun): object {
  return {
    seed: run.seed,
    bar: { ...run.bar, threshold: formatNumber(run.bar.threshold) },
    parts: run.parts.map(({ part, verdict, executed, planned, durationMs, reason, report }) => ({
      part,
      verdict,
      executed,
      planned,
      durationMs,
      reason: { code: reason.code, text: describeReason(reason) },
      worst:
        report === undefined || report.worst === null
          ? null
          : { value: formatNumber(report.worst.value), where: report.worst.where },
      counterexample: counterexampleJson(report?.failure ?? null),
    })),
    faults: run.faults.map((fault) => ({
      id: fault.id,
      title: fault.title,
      size: fault.size,
      part: fault.part,
      verdict: fault.verdict,
      executed: fault.executed,
      measured: fault.measured === null ? null : formatNumber(fault.measured),
      ...(fault.verdict === 'red' ? {} : { reason: describeFaultReason(fault) }),
    })),
  };
}

function counterexampleJson(failure: NonNullable<ClaimRun['parts'][number]['report']>['failure']): object | null {
  if (failure === null) return null;
  const { value, where } = failure;
  const input = failure.kind === 'search' ? { input: failure.input, shrinks: failure.shrinks } : {};
  return { measured: formatNumber(value), where, ...input };
}
