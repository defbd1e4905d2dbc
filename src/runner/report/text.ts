// Every sentence that the harness says to people about verdicts, receipts and levels: one place, plain text, numbers in
// full. No colour and no printing here.
import { formatBar, formatNumber } from '../contract/bar.ts';
import type { ClaimRun } from '../run/run-claim.ts';
import type { FaultResult } from '../run/run-faults.ts';
import type { PartResult, Reason } from '../run/verdict.ts';
import type { Bar } from '../contract/bar.ts';
import type { Verdict } from '../level/types.ts';

/** A symbol and a word, so that colour is never the only carrier. */
export const VERDICT_SYMBOLS: Readonly<Record<Verdict, string>> = {
  survived: '✓',
  falsified: '✗',
  flaky: '≈',
  'not-run': '◌',
  error: '!',
};

export function describeReason(reason: Reason): string {
  switch (reason.code) {
    case 'within-bar':
      return 'every case within the bar';
    case 'beyond-bar':
      return 'a case is beyond the bar';
    case 'repeat-disagrees':
      return `the same seed gave ${reason.verdicts.join(', ')}`;
    case 'outputs-differ':
      return `${reason.runs} runs of the same seed gave different outputs`;
    case 'need-absent':
      return `${reason.need} is missing: ${reason.why}`;
    case 'executor-absent':
      return `no ${reason.executor} executor here`;
    case 'nothing-executed':
      return 'no case was executed';
    case 'starved':
      return `a filter rejected too many inputs (${reason.discarded} discarded), so the search never ran in full`;
    case 'incomplete':
      return 'fewer cases were executed than planned';
    case 'too-many':
      return 'more cases were executed than planned, so the plan counts something else';
    case 'threw':
      return `threw${reason.where === null ? '' : ` on ${reason.where}`}: ${reason.message}`;
    case 'crash':
      return `the process ended without an answer: ${reason.detail}`;
    case 'out-of-memory':
      return `the process ran out of memory: ${reason.detail}`;
    case 'time-limit':
      return `still running after the time limit of ${formatNumber(reason.limitMs / 1000)} s`;
    case 'unusable':
      return `the falsifier cannot be loaded: ${reason.message}`;
  }
}

/** `generated 1000/1000`, and the verdict where it is not the good one. */
export function partText(part: PartResult): string {
  const count = `${part.part} ${part.executed}/${part.planned}`;
  return part.verdict === 'survived' ? count : `${count} ${part.verdict}`;
}

/** `max_ulp <= 4 ulp: worst 1.9 at case 12`; empty when nothing was measured. */
export function figureText(bar: Bar, parts: readonly PartResult[]): string {
  const measured = parts.flatMap(({ part, report }) =>
    report === undefined || report.worst === null ? [] : [`${part} ${formatNumber(report.worst.value)}`],
  );
  return measured.length === 0 ? '' : `${formatBar(bar)}: ${measured.join(', ')}`;
}

export function faultsText(faults: readonly FaultResult[]): string {
  if (faults.length === 0) return 'no planted fault';
  const red = faults.filter((fault) => fault.verdict === 'red').length;
  return `faults ${red}/${faults.length} red`;
}

/** Worst first: what the whole claim came to. */
export function overallVerdict(parts: readonly PartResult[]): Verdict {
  const order: readonly Verdict[] = ['falsified', 'flaky', 'error', 'not-run', 'survived'];
  return order.find((verdict) => parts.some((part) => part.verdict === verdict)) ?? 'not-run';
}

/** What a reader must know beyond the one line: refutations, reasons, faults that nobody noticed. */
export function detailLines(run: ClaimRun): string[] {
  const lines: string[] = [];
  for (const part of run.parts) {
    if (part.verdict === 'survived') continue;
    const failure = part.report?.failure ?? null;
    if (failure === null || part.verdict !== 'falsified') {
      lines.push(
        `${part.part} ${part.verdict}, ${part.executed} of ${part.planned} cases: ${describeReason(part.reason)}`,
      );
    }
    if (failure !== null) {
      const measured = `${run.bar.metric} ${formatNumber(failure.value)}, the bar is ${formatBar(run.bar)}`;
      lines.push(
        `${part.part} ${part.verdict} at ${failure.where}, case ${part.executed} of ${part.planned}: ${measured}`,
      );
      if (failure.kind === 'search') {
        lines.push(`counterexample after ${failure.shrinks} shrinks: ${shorten(failure.input)}`);
      }
      lines.push(`replay: pv replay ${run.claim.id} --part ${part.part} --seed ${run.seed}`);
    }
  }
  for (const fault of run.faults) {
    if (fault.verdict !== 'red') lines.push(faultLine(fault));
  }
  return lines;
}

function faultLine(fault: FaultResult): string {
  return `planted fault ${fault.id} (${fault.size}, ${fault.title}): ${describeFaultReason(fault)}`;
}

/** Why a planted fault is not red. */
export function describeFaultReason({ verdict, executed, reason }: FaultResult): string {
  if (verdict === 'green') return `stayed green over ${executed} cases, so the falsifier does not see it`;
  if (reason === undefined) return verdict;
  if (reason.code === 'never-loaded') return 'error, the faulty code was never loaded';
  if (reason.code === 'not-plantable') return `error, ${reason.message}`;
  return `${verdict}, ${describeReason(reason)}`;
}

const SHOWN_CHARACTERS = 2_000;

function shorten(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}… (${text.length} characters)`;
}

export function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
