// All rules over a set of contracts. Pure: the caller reads files and hands in what lies outside of the contracts.
import { compareDiagnostics, countDiagnostics, type Diagnostic, type DiagnosticCounts } from './diagnostic.ts';
import { FileDiagnostics } from './file-diagnostics.ts';
import type { Contract } from './model.ts';
import { checkClaims } from './rules/claim-rules.ts';
import { checkContract } from './rules/contract-rules.ts';
import { checkCoverage } from './rules/coverage-rules.ts';
import { CorpusIndex } from './rules/corpus-rules.ts';
import { checkKeys } from './rules/key-rules.ts';
import { checkLevels, type DeriveLevel } from './rules/level-rules.ts';
import { checkLinks, emptyLinkCounts, type LinkCounts, type LinkTargets } from './rules/link-rules.ts';
import { checkShape } from './rules/shape-rules.ts';
import { checkSpellings } from './rules/spelling-rules.ts';

export interface ValidationInput {
  /** The contracts to judge. Looked at once, one after the other: a generator keeps only one tree in memory. */
  contracts: Iterable<Contract>;
  /** Others that can be seen from them: targets of links, users of ids. */
  context?: Iterable<Contract>;
  falsifierText: LinkTargets['falsifierText'];
  /** Absent: typed levels are not compared with anything. */
  deriveLevel?: DeriveLevel;
}

export interface Validation {
  diagnostics: Diagnostic[];
  counts: DiagnosticCounts;
  contractCount: number;
  claimCount: number;
  /** Claims that are meant to be run here. */
  boundClaimCount: number;
  links: LinkCounts;
}

export function validateContracts(input: ValidationInput): Validation {
  const { contracts, context = [], falsifierText, deriveLevel } = input;
  const index = new CorpusIndex();
  const links = emptyLinkCounts();
  const diagnostics: Diagnostic[] = [];
  let contractCount = 0;
  let claimCount = 0;
  let boundClaimCount = 0;
  for (const contract of contracts) {
    const ofFile = new FileDiagnostics(contract);
    checkKeys(contract, ofFile);
    checkShape(contract, ofFile);
    checkContract(contract, ofFile);
    checkClaims(contract, ofFile);
    checkLinks(contract, { falsifierText }, links, ofFile);
    checkCoverage(contract, links, ofFile);
    checkSpellings(contract, ofFile);
    if (deriveLevel !== undefined) checkLevels(contract, deriveLevel, ofFile);
    diagnostics.push(...ofFile.diagnostics);
    index.add(contract);
    contractCount += 1;
    claimCount += contract.claims.length;
    boundClaimCount += contract.claims.filter((claim) => claim.isBound).length;
  }
  for (const contract of context) index.addContext(contract);
  diagnostics.push(...index.check(links));
  return {
    diagnostics: diagnostics.toSorted(compareDiagnostics),
    counts: countDiagnostics(diagnostics),
    contractCount,
    claimCount,
    boundClaimCount,
    links,
  };
}

/** LVL-001 alone, for contracts to which the other rules have been applied. */
export function validateLevels(contracts: Iterable<Contract>, deriveLevel: DeriveLevel): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const contract of contracts) {
    const ofFile = new FileDiagnostics(contract);
    checkLevels(contract, deriveLevel, ofFile);
    diagnostics.push(...ofFile.diagnostics);
  }
  return diagnostics;
}
