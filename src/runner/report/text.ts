// The run of a claim in plain text: parts, figures, faults, refutations. Numbers in full; no colour, no printing.
import { formatBar, formatNumber, type Bar } from '../contract/bar.ts';
import type { ClaimRun } from '../run/run-claim.ts';
import type { FaultResult } from '../run/run-faults.ts';
import { describeFaultReason, describeReason } from '../run/describe-reason.ts';
import type { PartResult } from '../run/part-result.ts';
import type { Verdict } from '../level/types.ts';

/** A symbol and a word, so that colour is never the only carrier. */
export const VERDICT_SYMBOLS: Readonly<Record<Verdict, string>> = {
  survived: '✓',
  falsified: '✗',
  flaky: '≈',
  'not-run': '◌',
  error: '!',
};

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

/** The lines below a claim's own: refutations, reasons, planted faults that stayed green. */
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

const SHOWN_CHARACTERS = 2_000;

function shorten(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}… (${text.length} characters)`;
}

export function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
