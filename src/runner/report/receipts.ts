// The receipts as a list, and what a verification of them found.
import { claimPlace } from '../contract/project.ts';
import { digest8 } from '../sources/digest.ts';
import type { Assessment } from '../evidence/assess.ts';
import type { GateReport } from '../evidence/gate.ts';
import { looseningLine } from './gate-text.ts';
import { refusalLines } from './status.ts';

export interface ReceiptRow {
  path: string;
  claim: string;
  contract: string;
  /** `generated survived 100/100, live survived 2/2` */
  parts: string;
  faults: number;
  redFaults: number;
  isFresh: boolean;
  digest: string;
  digest8: string;
}

export function receiptRows({ claims }: Assessment): ReceiptRow[] {
  return claims
    .flatMap(({ receipts }) => receipts)
    .map(({ path, receipt, changes }) => {
      const { stable, digest } = receipt.predicate;
      const parts = Object.entries(stable.parts).map(
        ([name, { verdict, executed, planned }]) => `${name} ${verdict} ${executed}/${planned}`,
      );
      return {
        path,
        claim: stable.claim,
        contract: stable.contract,
        parts: parts.join(', '),
        faults: stable.faults.length,
        redFaults: stable.faults.filter((fault) => fault.verdict === 'red').length,
        isFresh: changes.length === 0,
        digest: digest.content,
        digest8: digest8(digest.content),
      };
    });
}

/** Whether receipts can be believed; whether they are fresh or enough is the gate's question. */
export function verifyReport(report: GateReport): { receipts: number; problems: string[] } {
  const { assessment, overclaims, loosenings } = report;
  const vanished = loosenings.filter(({ code }) => code === 'refutation-vanished' || code === 'receipt-removed');
  const misnamed = overclaims.filter(({ code }) => code !== 'level-above-evidence');
  const believed = assessment.claims.reduce((sum, { receipts }) => sum + receipts.length, 0);
  return {
    receipts: believed + assessment.refused.length + assessment.orphans.length,
    problems: [
      ...refusalLines(assessment),
      ...misnamed.map(({ status: { claim }, detail }) => `${claimPlace(claim)} ${claim.id}: ${detail}`),
      ...vanished.map(looseningLine),
    ],
  };
}
