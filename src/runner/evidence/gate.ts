// The gate: does every claim stand where its contract wants it, on committed and fresh evidence, with nothing made
// easier since the base? Like a lock file it is read and compared, never regenerated. report/gate-text.ts words it.
import { levelRank, type CauseCode } from '../level/types.ts';
import type { Project } from '../contract/project.ts';
import { assessProject, type Assessment, type ClaimStatus } from './assess.ts';
import { readBase } from './base.ts';
import { looseningsSince, type Loosening } from './loosened.ts';

/** What the contract says and the evidence does not carry. */
export interface Overclaim {
  status: ClaimStatus;
  code: 'level-above-evidence' | 'evidence-missing' | 'evidence-changed';
  detail: string;
}

export interface GateReport {
  ref: string | null;
  assessment: Assessment;
  /** Below what the contract requires. */
  unmet: ClaimStatus[];
  overclaims: Overclaim[];
  /** Empty without a base. */
  loosenings: Loosening[];
  exitCode: 0 | 1 | 2;
}

/** Measured, and failed. What else keeps a claim below its level is stale, was not measured, or not enough. */
const FAILURES: ReadonlySet<CauseCode> = new Set(['falsified', 'error', 'flaky', 'fault-green', 'disputed']);

export function isFailure({ derivation }: ClaimStatus): boolean {
  return derivation.cause !== null && FAILURES.has(derivation.cause.code);
}

export async function runGate(project: Project, ref: string | null): Promise<GateReport> {
  const assessment = await assessProject(project);
  const base = ref === null ? null : await readBase(project.root, ref);
  const loosenings = base === null ? [] : looseningsSince(base, project.contracts, assessment);
  const unmet = assessment.claims.filter((status) => !status.isMet);
  const overclaims = assessment.claims.flatMap(overclaimsOf);
  const isRejected =
    unmet.some(isFailure) ||
    // Like a lock file that does not fit: the change that made it stale comes without its evidence.
    unmet.some(({ derivation }) => derivation.isStale) ||
    overclaims.length > 0 ||
    loosenings.some((loosening) => !loosening.isDeclared) ||
    assessment.refused.length > 0 ||
    assessment.orphans.length > 0;
  const isDeclined = unmet.length > 0 || assessment.claims.length === 0;
  return { ref, assessment, unmet, overclaims, loosenings, exitCode: isRejected ? 1 : isDeclined ? 2 : 0 };
}

/** A stale receipt keeps its word, so a level is compared with what the receipts said, not with what counts today. */
export function overclaimsOf(status: ClaimStatus): Overclaim[] {
  const { claim, derivation, receipts } = status;
  const found: Overclaim[] = [];
  if (claim.declaredLevel !== undefined && levelRank(claim.declaredLevel) > levelRank(derivation.word)) {
    const detail = `the contract says ${claim.status ?? claim.declaredLevel}, the evidence supports ${derivation.word}`;
    found.push({ status, code: 'level-above-evidence', detail });
  }
  for (const entry of Object.values(claim.evidence).flatMap((declared) => declared.entries)) {
    const receipt = receipts.find((candidate) => candidate.path === entry.receipt);
    if (receipt === undefined) {
      found.push({ status, code: 'evidence-missing', detail: `${entry.receipt} is named and is not there` });
    } else if (receipt.receipt.predicate.digest.content !== entry.digest) {
      found.push({
        status,
        code: 'evidence-changed',
        detail: `${entry.receipt} is not the one that the contract names`,
      });
    }
  }
  return found;
}
