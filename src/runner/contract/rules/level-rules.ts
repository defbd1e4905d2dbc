// LVL-001: a level that is typed above the one that the evidence supports. What the evidence supports comes from
// outside (level/); here it is only compared, so that a hand-typed DISCHARGED never passes.
import { spanOfValue, type FileDiagnostics } from '../file-diagnostics.ts';
import { TEST_STATUS } from '../keys.ts';
import { LEVELS, type Claim, type Contract, type Level } from '../model.ts';

interface DerivedLevel {
  /** What the receipts give, whether or not an input changed since. */
  level: Level;
  /** Why it is not higher, in a few words. */
  cause: string;
}

/** The level that a claim's evidence supports. */
export type DeriveLevel = (claim: Claim) => DerivedLevel;

export function checkLevels(contract: Contract, derive: DeriveLevel, diagnostics: FileDiagnostics): void {
  for (const claim of contract.claims) {
    const { declaredLevel, node } = claim;
    if (!claimsLevel(declaredLevel)) continue;
    const { level, cause } = derive(claim);
    if (LEVELS.indexOf(declaredLevel) <= LEVELS.indexOf(level)) continue;
    const why = cause === '' ? '' : ` (${cause})`;
    const message = `${claim.id} claims ${shortLevel(declaredLevel)}, evidence supports ${shortLevel(level)}${why}`;
    diagnostics.add('LVL-001', message, spanOfValue(node, ...TEST_STATUS));
  }
}

/** NONE claims nothing, so it is never too high. */
export function claimsLevel(level: Level | undefined): level is Exclude<Level, 'NONE'> {
  return level !== undefined && level !== 'NONE';
}

function shortLevel(level: Level): string {
  return level === 'PARTIAL_ALGORITHM_LEVEL' ? 'PARTIAL' : level;
}
