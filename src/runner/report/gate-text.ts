// What the gate says: a headline, what was made easier, then a row per claim that does not stand where it should.
import { claimPlace } from '../contract/project.ts';
import { digest8 } from '../sources/digest.ts';
import { isFailure, type GateReport } from '../evidence/gate.ts';
import { LOOSENING_WORDS, type Loosening } from '../evidence/loosened.ts';
import type { ClaimStatus } from '../evidence/assess.ts';
import { describeCause } from '../level/cause.ts';
import { refusalLines, levelText, statusCounts, statusRow } from './status.ts';

/** `pv gate: rejected · 21 of 24 claims stand where their contracts want them · …` */
export function gateHeadline(report: GateReport): string {
  const { assessment, unmet, overclaims, loosenings, exitCode } = report;
  const word = exitCode === 0 ? 'accepted' : exitCode === 1 ? 'rejected' : 'declined';
  const total = assessment.claims.length;
  const failed = unmet.filter(isFailure).length;
  const stale = unmet.filter((status) => !isFailure(status) && status.derivation.isStale).length;
  const undeclared = loosenings.filter((loosening) => !loosening.isDeclared).length;
  const refused = assessment.refused.length + assessment.orphans.length;
  return [
    `pv gate: ${word}`,
    `${total - unmet.length} of ${total} claims stand where their contracts want them`,
    `${failed} failed, ${stale} stale, ${unmet.length - failed - stale} not measured enough`,
    `${overclaims.length} say more than their evidence`,
    `${refused} receipts refused`,
    report.ref === null ? 'no base to compare with' : `${undeclared} made easier since ${report.ref}`,
  ].join(' · ');
}

export interface GateRow {
  /** `✗` failed, `◌` not measured. */
  symbol: string;
  claim: string;
  /** `FUNCTIONAL, wants DISCHARGED` */
  level: string;
  why: string;
}

/** Worst first, then in the order of the contracts. */
export function gateRows({ unmet }: GateReport): GateRow[] {
  return unmet
    .toSorted((a, b) => Number(isFailure(b)) - Number(isFailure(a)))
    .map((status) => ({
      symbol: isFailure(status) ? '✗' : '◌',
      claim: status.claim.id,
      level: `${levelText(status.derivation)}, wants ${status.claim.requiredLevel}`,
      why: whyUnmet(status),
    }));
}

function whyUnmet({ derivation, receipts }: ClaimStatus): string {
  const why = derivation.cause === null ? '' : describeCause(derivation.cause);
  const change = receipts.flatMap((entry) => entry.changes)[0];
  if (derivation.cause?.code !== 'stale' || change === undefined) return why;
  const more = receipts.flatMap((entry) => entry.changes).length - 1;
  const was = change.recorded === undefined ? 'new' : digest8(change.recorded);
  const now = change.present === undefined ? 'gone' : digest8(change.present);
  return `stale: ${change.pin} ${was} -> ${now}${more === 0 ? '' : ` and ${more} more`}`;
}

export function looseningLine({ code, contract, claim, detail, isDeclared, file, line }: Loosening): string {
  const subject = claim === '' ? contract : claim;
  const sentence = `${file}:${line} ${subject}: ${LOOSENING_WORDS[code]}: ${detail}`;
  return isDeclared ? `${sentence} (declared)` : sentence;
}

/** What stands below the table: loosenings, claims that say more than their evidence, files that are refused. */
export function gateLines(report: GateReport): string[] {
  return [
    ...report.loosenings.toSorted((a, b) => Number(a.isDeclared) - Number(b.isDeclared)).map(looseningLine),
    ...report.overclaims.map(({ status: { claim }, detail }) => `${claimPlace(claim)} ${claim.id}: ${detail}`),
    ...refusalLines(report.assessment),
  ];
}

export function gateJson(report: GateReport): object {
  const rows = report.assessment.claims.map(statusRow);
  return {
    schemaVersion: 1,
    base: report.ref,
    exitCode: report.exitCode,
    counts: statusCounts(rows),
    unmet: report.unmet.map((status) => ({
      ...statusRow(status),
      isFailure: isFailure(status),
      why: whyUnmet(status),
    })),
    overclaims: report.overclaims.map(({ status, code, detail }) => {
      const { id, contract, line } = status.claim;
      return { claim: id, file: contract.path, line, code, detail };
    }),
    loosenings: report.loosenings,
    refused: report.assessment.refused.map(({ path, problem }) => ({ path, message: problem.message })),
    orphans: report.assessment.orphans,
  };
}
