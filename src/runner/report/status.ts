// The status table and `why`: four facts per claim (bound, executed, outcome, fresh) and the level that follows,
// always with denominators. Rows and lines only; layout and colour are the command's.
import type { AssessedReceipt, Assessment, ClaimStatus } from '../evidence/assess.ts';
import { LEVELS, VERDICTS, worstVerdict, type Derivation, type Level, type Verdict } from '../level/types.ts';
import { claimPlace } from '../contract/project.ts';
import { PART_NAMES } from '../contract/part-names.ts';
import { describeCause, nextStep } from '../level/cause.ts';
import { figureOfPart } from '../evidence/figure.ts';
import { describeChange } from './pin.ts';

export interface StatusRow {
  contract: string;
  claim: string;
  isBound: boolean;
  /** Cases over all parts and receipts; planned 0: nothing was ever run. */
  executed: number;
  planned: number;
  outcome: Verdict | null;
  freshness: 'fresh' | 'stale' | 'none';
  /** What counts. */
  level: Level;
  /** What the receipts gave before they went stale. */
  word: Level;
  required: Level;
  isMet: boolean;
  /** What the contract says, when it is not what follows from the evidence. */
  declared: string | null;
  why: string | null;
}

export function statusRow({ claim, isBound, receipts, derivation, isMet }: ClaimStatus): StatusRow {
  const sections = receipts.flatMap(({ receipt }) => Object.values(receipt.predicate.stable.parts));
  return {
    contract: claim.contract.name,
    claim: claim.id,
    isBound,
    executed: sections.reduce((sum, section) => sum + section.executed, 0),
    planned: sections.reduce((sum, section) => sum + section.planned, 0),
    outcome: worstVerdict(sections.map(({ verdict }) => verdict)),
    freshness: freshnessOf(receipts),
    level: derivation.level,
    word: derivation.word,
    required: claim.requiredLevel,
    isMet,
    declared: claim.status === undefined || claim.status === derivation.word ? null : claim.status,
    why: derivation.cause === null ? null : describeCause(derivation.cause),
  };
}

function freshnessOf(receipts: readonly AssessedReceipt[]): StatusRow['freshness'] {
  if (receipts.length === 0) return 'none';
  return receipts.some((entry) => entry.changes.length > 0) ? 'stale' : 'fresh';
}

export interface StatusCounts {
  claims: number;
  bound: number;
  executed: number;
  fresh: number;
  met: number;
  outcomes: Record<Verdict, number>;
  levels: Record<Level, number>;
}

export function statusCounts(rows: readonly StatusRow[]): StatusCounts {
  const count = (predicate: (row: StatusRow) => boolean): number => rows.filter(predicate).length;
  const table = <Key extends string>(keys: readonly Key[], of: (row: StatusRow) => Key | null): Record<Key, number> =>
    Object.fromEntries(keys.map((key) => [key, count((row) => of(row) === key)])) as Record<Key, number>;
  return {
    claims: rows.length,
    bound: count((row) => row.isBound),
    executed: count((row) => row.executed > 0),
    fresh: count((row) => row.freshness === 'fresh'),
    met: count((row) => row.isMet),
    outcomes: table(VERDICTS, (row) => row.outcome),
    levels: table(LEVELS, (row) => row.level),
  };
}

export function countsLine(counts: StatusCounts): string {
  const { claims, bound, executed, fresh, met, outcomes, levels } = counts;
  const words = (table: Record<string, number>): string =>
    Object.entries(table)
      .filter(([, number]) => number > 0)
      .map(([word, number]) => `${number} ${word}`)
      .join(', ');
  return [
    `${claims} claims`,
    `${bound} of ${claims} bound`,
    `${executed} of ${claims} executed${executed === 0 ? '' : ` (${words(outcomes)})`}`,
    `${fresh} of ${executed} fresh`,
    words(levels),
    `${met} of ${claims} meet what their contract requires`,
  ].join(' · ');
}

/** What is wrong with the evidence as a whole, one line per file. */
export function refusalLines({ refused, orphans }: Assessment): string[] {
  return [
    ...refused.map(({ problem }) => problem.message),
    ...orphans.map((path) => `${path}: this receipt is about a claim that no contract makes.`),
  ];
}

/** `pv why`: the derivation, step by step, and what changed under each receipt. */
export function whyLines(status: ClaimStatus): string[] {
  const { claim, receipts, derivation } = status;
  const lines = [`${claim.id} (${claimPlace(claim)})`, `  ${claim.prediction}`, ''];
  lines.push(`level: ${levelText(derivation)}, required: ${claim.requiredLevel}`);
  if (claim.status !== undefined && claim.status !== derivation.word) lines.push(`the contract says: ${claim.status}`);
  if (receipts.length === 0) lines.push('', 'receipts: none');
  for (const entry of receipts) lines.push('', ...receiptLines(entry, status));
  lines.push('', 'derivation, on fresh receipts only:');
  for (const rung of derivation.rungs) {
    lines.push(`  ${rung.isMet ? '✓' : '✗'} ${rung.level}`);
    for (const cause of rung.missing) lines.push(`      ${describeCause(cause)}`);
  }
  for (const cap of derivation.caps) lines.push(`  at most ${cap.level}: ${describeCause(cap.cause)}`);
  lines.push('', ...nextLines(status));
  return lines;
}

export function levelText({ level, word, isStale }: Pick<Derivation, 'level' | 'word' | 'isStale'>): string {
  if (!isStale) return level;
  return word === level ? `${level}, stale` : `${level} (was ${word}, stale)`;
}

function receiptLines({ path, receipt, changes, unchecked }: AssessedReceipt, { claim }: ClaimStatus): string[] {
  const { stable, confirmations } = receipt.predicate;
  const lines = [`receipt ${path}: ${changes.length === 0 ? 'fresh' : `stale, ${changes.length} inputs changed`}`];
  for (const change of changes) lines.push(`  ${describeChange(change, claim, { path, receipt, changes, unchecked })}`);
  for (const name of unchecked) lines.push(`  ${name}: absent here, so it was not compared`);
  for (const name of PART_NAMES) {
    const section = stable.parts[name];
    if (section !== undefined) lines.push(`  ${name}: ${section.verdict}, ${figureOfPart(stable.bar, section)}`);
  }
  const red = stable.faults.filter((fault) => fault.verdict === 'red').length;
  lines.push(`  planted faults: ${red} of ${stable.faults.length} red`);
  if (confirmations.length > 0) lines.push(`  confirmations: ${confirmations.length} other machines`);
  return lines;
}

function nextLines({ claim, derivation }: ClaimStatus): string[] {
  const { cause, level } = derivation;
  if (cause === null) return ['nothing is missing: this is the highest level'];
  const next = LEVELS[LEVELS.indexOf(level) + 1] ?? level;
  const step = nextStep(cause, claim.id);
  return [`missing for ${next}: ${describeCause(cause)}`, ...(step === null ? [] : [`next: ${step}`])];
}

export function statusJson(assessment: Assessment): object {
  const rows = assessment.claims.map(statusRow);
  return {
    schemaVersion: 1,
    counts: statusCounts(rows),
    claims: rows,
    refused: assessment.refused.map(({ path, problem }) => ({ path, message: problem.message })),
    orphans: assessment.orphans,
  };
}

export function whyJson(status: ClaimStatus): object {
  const { claim, receipts, derivation } = status;
  return {
    schemaVersion: 1,
    ...statusRow(status),
    contract: claim.contract.name,
    prediction: claim.prediction,
    rungs: derivation.rungs.map(({ level, isMet, missing }) => ({ level, isMet, missing: missing.map(describeCause) })),
    caps: derivation.caps.map(({ level, cause }) => ({ level, cause: describeCause(cause) })),
    receipts: receipts.map(({ path, receipt, changes, unchecked }) => ({
      path,
      digest: receipt.predicate.digest.content,
      isFresh: changes.length === 0,
      changes,
      unchecked,
      parts: receipt.predicate.stable.parts,
      faults: receipt.predicate.stable.faults,
    })),
    next: derivation.cause === null ? null : nextStep(derivation.cause, claim.id),
  };
}
