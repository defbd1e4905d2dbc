// The state of a whole project from what is committed: for each claim its receipts, whether they still speak of the
// present files, and the level that follows. Runs nothing; status, why and gate all print this.
import { existsSync } from 'node:fs';
import type { Claim, Contract } from '../contract/model.ts';
import { EXIT_CODE_BAR } from '../run/run-argv-claim.ts';
import { falsifierPath } from '../run/run-claim.ts';
import { deriveLevel } from '../level/derive-level.ts';
import { levelRank, lowerLevel, type Derivation, type Level, type ReceiptFacts } from '../level/types.ts';
import type { ConfirmationFacts, DependencyFacts, PartFacts, Verdict } from '../level/types.ts';
import type { Bar } from '../contract/bar.ts';
import type { PartName } from '../contract/part-names.ts';
import { isRunnable, type Project } from '../contract/project.ts';
import { digestOfJson } from '../sources/digest.ts';
import { SOFTWARE_CLASS } from './environment.ts';
import { absolute } from './paths.ts';
import { comparePins, PinReader, uncheckedPins, type PinChange } from './pins.ts';
import { pinsDigest, type Confirmation, type Receipt, type StablePart } from './receipt.ts';
import { listReceipts, type StoredReceipt } from './store.ts';

export interface AssessedReceipt {
  path: string;
  receipt: Receipt;
  /** What changed since; empty when fresh. */
  changes: PinChange[];
  /** Pins that cannot be compared here: fetched models that are absent. */
  unchecked: string[];
}

export interface ClaimStatus {
  claim: Claim;
  /** A falsifier or a `run:` is there. */
  isBound: boolean;
  receipts: AssessedReceipt[];
  derivation: Derivation;
  /** Level, on fresh evidence, at least what the contract requires. */
  isMet: boolean;
}

export interface Assessment {
  /** In the order of contracts and claims. */
  claims: ClaimStatus[];
  /** Files in evidence/ that cannot be believed: edited, misplaced, of another version. */
  refused: { path: string; problem: Error }[];
  /** Receipts of claims that no contract makes. */
  orphans: string[];
}

export async function assessProject(project: Project): Promise<Assessment> {
  const stored = listReceipts(project.root);
  const byClaim = new Map<string, StoredReceipt[]>();
  for (const entry of stored) {
    if (entry.receipt === null) continue;
    const { contract, claim } = entry.receipt.predicate.stable;
    const key = `${contract}/${claim}`;
    byClaim.set(key, [...(byClaim.get(key) ?? []), entry]);
  }
  const reader = new PinReader(project.root);
  const claims: Omit<ClaimStatus, 'derivation' | 'isMet'>[] = [];
  for (const contract of project.contracts) {
    for (const claim of contract.claims) {
      const key = `${contract.name}/${claim.id}`;
      const receipts: AssessedReceipt[] = [];
      for (const entry of byClaim.get(key) ?? []) {
        if (entry.receipt === null) continue;
        receipts.push(await assessReceipt(project.root, claim, entry.path, entry.receipt, reader));
      }
      byClaim.delete(key);
      claims.push({ claim, isBound: isRunnable(project, claim), receipts });
    }
  }
  return {
    claims: withLevels(project.contracts, claims),
    refused: stored.flatMap(({ path, problem }) => (problem === null ? [] : [{ path, problem }])),
    orphans: [...byClaim.values()].flat().map((entry) => entry.path),
  };
}

async function assessReceipt(
  root: string,
  claim: Claim,
  path: string,
  receipt: Receipt,
  reader: PinReader,
): Promise<AssessedReceipt> {
  const { stable } = receipt.predicate;
  const bar = claim.bar ?? (claim.run === undefined ? recordedBar(stable) : EXIT_CODE_BAR);
  const module = falsifierPath(root, claim);
  const { executor } = stable.environment;
  const present = await reader.read({ claim, executor, bar, module, touched: stable.touched, recorded: stable.pins });
  const changes = comparePins(stable.pins, present);
  // The refutation itself is evidence: without it nobody can look at what was found.
  for (const section of Object.values(stable.parts)) {
    const file =
      section.counterexample === null ? null : `${path.slice(0, path.lastIndexOf('/'))}/${section.counterexample.file}`;
    if (file !== null && !existsSync(absolute(root, file))) {
      changes.push({ pin: `counterexample:${file}`, recorded: undefined, present: 'absent' });
    }
  }
  return { path, receipt, changes, unchecked: uncheckedPins(present) };
}

/** A claim that lost its bar is compared by a bar that never equals the recorded one. */
function recordedBar(stable: StablePart): Bar {
  const { metric, unit } = stable.bar;
  return { metric, unit, comparator: '==', threshold: Number.NaN, basis: '' };
}

/** A claim never stands above a contract that its own depends on; a contract stands as its lowest claim. */
function withLevels(
  contracts: readonly Contract[],
  claims: readonly Omit<ClaimStatus, 'derivation' | 'isMet'>[],
): ClaimStatus[] {
  const byContract = new Map<Contract, ClaimStatus[]>();
  const inProgress = new Set<Contract>();
  const statusesOf = (contract: Contract): ClaimStatus[] => {
    const known = byContract.get(contract);
    if (known !== undefined) return known;
    inProgress.add(contract);
    const dependencies = contract.metadata.dependsOn.map((stem): DependencyFacts => {
      const target = contracts.find((candidate) => candidate.name === stem || candidate.stem === stem);
      // In a circle each contract would be vouched for by itself.
      if (target === undefined || inProgress.has(target)) return { stem, level: null };
      const theirs = statusesOf(target).map(({ derivation }) => derivation);
      return { stem, level: lowestOf(theirs, 'level'), word: lowestOf(theirs, 'word') };
    });
    const statuses = claims
      .filter(({ claim }) => claim.contract === contract)
      .map((entry): ClaimStatus => {
        const { claim } = entry;
        const derivation = deriveLevel(
          { executors: claim.executors, faults: claim.faults, canHaveOracle: claim.outsideOracle.possible },
          entry.receipts.map(receiptFacts),
          dependencies,
        );
        const isMet = levelRank(derivation.level) >= levelRank(claim.requiredLevel);
        return { ...entry, derivation, isMet };
      });
    inProgress.delete(contract);
    byContract.set(contract, statuses);
    return statuses;
  };
  return contracts.flatMap(statusesOf);
}

/** The lowest of a contract's claims; null for a contract without any. */
function lowestOf(derivations: readonly Derivation[], which: 'level' | 'word'): Level | null {
  const [first, ...rest] = derivations.map((derivation) => derivation[which]);
  return first === undefined ? null : rest.reduce(lowerLevel, first);
}

function receiptFacts({ receipt, changes }: AssessedReceipt): ReceiptFacts {
  const { stable, confirmations, volatile } = receipt.predicate;
  const outputs = outputsOf(stable.parts);
  return {
    environmentClass: stable.environment.class,
    executor: requirementMetBy(stable.environment),
    isFresh: changes.length === 0,
    machine: volatile.machine.id,
    outputsDigest: outputs,
    parts: Object.fromEntries(
      Object.entries(stable.parts).map(([name, { verdict, executed, planned }]): [string, PartFacts] => [
        name,
        { verdict, executed, planned },
      ]),
    ),
    faults: stable.faults,
    confirmations: confirmations
      .filter((confirmation) => confirmation.pins === pinsDigest(stable.pins))
      .flatMap((confirmation) => confirmationFacts(confirmation, stable, outputs)),
  };
}

/** Any class of CPU will do; of WebGPU the adapter in software alone, so that a receipt of a real GPU is extra. */
function requirementMetBy({ executor, class: name }: StablePart['environment']): string {
  return executor === 'webgpu' && name !== SOFTWARE_CLASS ? name : executor;
}

/** Parts that both machines ran, compared one by one; agreement on only some of the parts says nothing either way. */
function confirmationFacts(confirmation: Confirmation, stable: StablePart, outputs: string): ConfirmationFacts[] {
  const { machine, parts } = confirmation;
  const verdicts: Verdict[] = [];
  let isComplete = true;
  for (const [name, section] of Object.entries(stable.parts) as [PartName, StablePart['parts'][PartName] & object][]) {
    const other = parts[name];
    if (section.verdict === 'not-run') continue;
    if (other === undefined || other.verdict === 'not-run') {
      isComplete = false;
    } else if (other.verdict !== section.verdict || other.outputs !== section.outputs) {
      const verdict = other.verdict;
      return [{ machine, verdict, outputsDigest: `differs: ${other.outputs}` }];
    } else {
      verdicts.push(other.verdict);
    }
  }
  const verdict = verdicts.find((word) => word !== 'survived') ?? 'survived';
  return isComplete && verdicts.length > 0 ? [{ machine, verdict, outputsDigest: outputs }] : [];
}

function outputsOf(parts: StablePart['parts']): string {
  return digestOfJson(Object.entries(parts).map(([name, section]) => [name, section.outputs]));
}
