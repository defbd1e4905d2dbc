// What `pv falsify` writes into a contract: the derived level and the evidence it stands on. From an assessment to a
// list of edits; the text is changed by applyEdits, one atomic write per contract.
import { writeFileAtomic } from '../engine/io/index.ts';
import { applyEdits, type ContractEdit } from './contract/edit.ts';
import type { Claim, Contract, EvidenceEntry, EvidenceKey } from './contract/model.ts';
import { movesText, type LevelChange } from './level/level-change.ts';
import { levelRank, type Level } from './level/types.ts';
import type { PartName } from './contract/part-names.ts';
import { figureOfPart } from './evidence/figure.ts';
import type { Assessment, AssessedReceipt, ClaimStatus } from './evidence/assess.ts';

export interface ContractUpdate {
  contract: Contract;
  edits: ContractEdit[];
  changes: LevelChange[];
}

/** Which rung stands on which part, and where the contract says so. */
const RUNGS: readonly { key: EvidenceKey; level: Level; part: PartName; declared: keyof Claim['evidence'] }[] = [
  { key: 'algorithm_evidence', level: 'PARTIAL_ALGORITHM_LEVEL', part: 'generated', declared: 'algorithm' },
  { key: 'functional_evidence', level: 'FUNCTIONAL', part: 'live', declared: 'functional' },
  { key: 'discharge_evidence', level: 'DISCHARGED', part: 'oracle', declared: 'discharge' },
];

/**
 * Edits for every contract whose written levels are not the derived ones.
 *
 * @param ran `contract/claim` of what was run just now. Others are touched only where pv wrote their level before and
 *   its evidence is fresh, as when a contract that they depend on has moved
 */
export function contractUpdates(assessment: Assessment, ran: ReadonlySet<string>): ContractUpdate[] {
  const updates = new Map<Contract, ContractUpdate>();
  for (const status of assessment.claims) {
    const { claim, receipts, derivation } = status;
    const { contract } = claim;
    // Without a receipt there is nothing to say; a stale one keeps the word that stands there.
    if (receipts.length === 0 || derivation.isStale) continue;
    if (!ran.has(`${contract.name}/${claim.id}`) && claim.status === undefined) continue;
    const update = updates.get(contract) ?? { contract, edits: [], changes: [] };
    updates.set(contract, update);
    update.edits.push(...claimEdits(status));
    if (claim.status !== derivation.level) {
      update.changes.push({ claim: claim.id, from: claim.status ?? null, to: derivation.level });
    }
  }
  for (const update of updates.values()) update.edits.push(...versionEdits(update));
  return [...updates.values()].filter(({ contract, edits }) => applyEdits(contract.source, edits) !== contract.source);
}

/** One write per contract: level, evidence, version and changelog move together or not at all. */
export async function writeContract({ contract, edits }: ContractUpdate): Promise<void> {
  await writeFileAtomic(contract.path, applyEdits(contract.source, edits));
}

function claimEdits({ claim, receipts, derivation }: ClaimStatus): ContractEdit[] {
  const { id } = claim;
  const edits: ContractEdit[] = [{ kind: 'status', id, status: derivation.level }];
  for (const { key, level, part, declared } of RUNGS) {
    const isReached = levelRank(derivation.level) >= levelRank(level);
    const entries = isReached ? receipts.flatMap((receipt) => evidenceEntry(receipt, part)) : [];
    // What people wrote there is theirs; only entries of our own are taken back.
    const isOurs = (claim.evidence[declared]?.entries.length ?? 0) > 0;
    if (entries.length > 0 || isOurs) edits.push({ kind: 'evidence', id, key, entries });
  }
  return edits;
}

function evidenceEntry({ path, receipt, changes }: AssessedReceipt, part: PartName): EvidenceEntry[] {
  if (changes.length > 0) return [];
  const { digest, stable, confirmations } = receipt.predicate;
  const section = stable.parts[part];
  // DISCHARGED without an oracle stands on another machine's word.
  if (section === undefined || section.verdict !== 'survived') {
    if (part !== 'oracle' || confirmations.length === 0) return [];
    return [{ receipt: path, digest: digest.content, figure: `confirmed by ${confirmations.length} other machines` }];
  }
  return [{ receipt: path, digest: digest.content, figure: figureOfPart(stable.bar, section) }];
}

/** A new level is a minor version and a line in the changelog, without a date: a rerun gives the same bytes. */
function versionEdits({ contract, changes }: ContractUpdate): ContractEdit[] {
  if (changes.length === 0) return [];
  const version = nextMinor(contract.metadata.version);
  if (version === null) return [];
  return [
    { kind: 'version', version },
    { kind: 'changelog', line: `${version}: ${movesText(changes)}` },
  ];
}

/** null for a version that is not semver: it is the author's, and no rule says what follows it. */
function nextMinor(version: string): string | null {
  const match = /^(\d+)\.(\d+)\.\d+$/.exec(version);
  return match === null ? null : `${match[1]}.${Number(match[2]) + 1}.0`;
}
