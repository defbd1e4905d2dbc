// All rules over a set of contracts. Pure: files are read by the caller, what lies outside of the contracts is handed in.
import { compareDiagnostics, countDiagnostics, type Diagnostic, type DiagnosticCounts } from './diagnostic.ts';
import { Findings } from './findings.ts';
import type { Contract } from './model.ts';
import { checkClaims } from './rules/claim-rules.ts';
import { checkContract } from './rules/contract-rules.ts';
import { CorpusIndex } from './rules/corpus-rules.ts';
import { checkKeys } from './rules/key-rules.ts';
import { checkLevels, type DeriveLevel } from './rules/level-rules.ts';
import { checkLinks, emptyLinkCounts, type LinkCounts, type LinkTargets } from './rules/link-rules.ts';
import { checkShape } from './rules/shape-rules.ts';

export interface ValidationInput {
  /** The contracts to judge. */
  contracts: readonly Contract[];
  /** Others that can be seen from them: targets of links, users of ids. */
  context?: readonly Contract[];
  falsifierText: LinkTargets['falsifierText'];
  /** Absent: typed levels are not compared with anything. */
  deriveLevel?: DeriveLevel;
}

export interface Validation {
  diagnostics: Diagnostic[];
  counts: DiagnosticCounts;
  claimCount: number;
  /** Claims that are meant to be run here. */
  boundClaimCount: number;
  links: LinkCounts;
}

export function validateContracts(input: ValidationInput): Validation {
  const { contracts, context = [], falsifierText, deriveLevel } = input;
  const index = new CorpusIndex([...contracts, ...context]);
  const targets: LinkTargets = { contractNames: index.contractNames, falsifierText };
  const links = emptyLinkCounts();
  const diagnostics = contracts.flatMap((contract) => {
    const findings = new Findings(contract);
    checkKeys(contract, findings);
    checkShape(contract, findings);
    checkContract(contract, findings);
    checkClaims(contract, findings);
    checkLinks(contract, targets, links, findings);
    index.checkIds(contract, findings);
    index.checkCircles(contract, findings);
    if (deriveLevel !== undefined) checkLevels(contract, deriveLevel, findings);
    return findings.diagnostics;
  });
  const claims = contracts.flatMap((contract) => contract.claims);
  return {
    diagnostics: diagnostics.toSorted(compareDiagnostics),
    counts: countDiagnostics(diagnostics),
    claimCount: claims.length,
    boundClaimCount: claims.filter((claim) => claim.isBound).length,
    links,
  };
}
