// What was made easier since a base: a bar, a demand, a fault, a receipt. Compares two states of the same contracts
// and receipts; says nothing about whether the present state holds.
import type { Claim, Contract } from '../contract/model.ts';
import { levelRank } from '../level/types.ts';
import type { PartName } from '../contract/part-names.ts';
import { formatBar, isWithin, type Bar } from '../contract/bar.ts';
import type { Assessment, ClaimStatus } from './assess.ts';
import type { Base } from './base.ts';
import { comparePins } from './pins.ts';
import type { Receipt } from './receipt.ts';

/** Every kind of loosening, in words. */
export const LOOSENING_WORDS = {
  'bar-loosened': 'the bar was loosened',
  'claim-removed': 'the claim was removed',
  'claim-retired': 'the claim was retired',
  'fault-removed': 'a planted fault was removed',
  'level-lowered': 'the required level was lowered',
  'executor-removed': 'an executor is no longer required',
  'oracle-waived': 'an outside oracle is no longer asked for',
  'dependency-removed': 'a dependency was removed',
  'part-removed': 'a part was removed',
  'cases-reduced': 'fewer cases are planned',
  'refutation-vanished': 'a refutation vanished',
  'receipt-removed': 'a receipt was removed',
} as const;

type LooseningCode = keyof typeof LOOSENING_WORDS;

export interface Loosening {
  code: LooseningCode;
  contract: string;
  claim: string;
  /** Was and is, in words. */
  detail: string;
  /** A major version of the contract, or a `retired:` entry, says that it was meant. It stays loud. */
  isDeclared: boolean;
  file: string;
  line: number;
}

export function looseningsSince(base: Base, contracts: readonly Contract[], assessment: Assessment): Loosening[] {
  const found = base.contracts.flatMap((before) => contractLoosenings(before, contracts));
  const status = new Map(assessment.claims.map((entry) => [entry.claim.id, entry]));
  for (const { path, receipt } of base.receipts) {
    found.push(...receiptLoosenings(path, receipt, status.get(receipt.predicate.stable.claim)));
  }
  return found;
}

function contractLoosenings(before: Contract, contracts: readonly Contract[]): Loosening[] {
  const same = contracts.find((contract) => contract.name === before.name);
  const all = contracts.flatMap((contract) => contract.claims);
  const isMajor = same !== undefined && majorOf(same) > majorOf(before);
  const found: Loosening[] = [];
  const add = (
    claim: string,
    code: LooseningCode,
    detail: string,
    place: { file: string; line: number },
    meant = isMajor,
  ): void => {
    found.push({ code, contract: before.name, claim, detail, isDeclared: meant, ...place });
  };
  const home = { file: same?.path ?? before.path, line: 1 };

  for (const was of before.claims) {
    const is = same?.claims.find((claim) => claim.id === was.id) ?? all.find((claim) => claim.id === was.id);
    if (is === undefined) {
      const retired = contracts.flatMap((contract) => contract.retired).find((entry) => entry.id === was.id);
      if (retired === undefined) add(was.id, 'claim-removed', 'without a `retired:` entry', home, false);
      else add(was.id, 'claim-retired', retired.reason, { file: home.file, line: retired.line }, true);
      continue;
    }
    const place = { file: is.contract.path, line: is.line };
    for (const { code, detail } of claimLoosenings(was, is)) add(was.id, code, detail, place);
  }
  if (same !== undefined) {
    const kept = new Set(same.metadata.dependsOn);
    for (const name of before.metadata.dependsOn.filter((dependency) => !kept.has(dependency))) {
      add('', 'dependency-removed', `depends_on ${name}`, home);
    }
  }
  return found;
}

function claimLoosenings(was: Claim, is: Claim): Pick<Loosening, 'code' | 'detail'>[] {
  const found: Pick<Loosening, 'code' | 'detail'>[] = [];
  if (was.bar !== undefined && (is.bar === undefined || isLooser(was.bar, is.bar))) {
    const now = is.bar === undefined ? 'none' : formatBar(is.bar);
    found.push({ code: 'bar-loosened', detail: `${formatBar(was.bar)} -> ${now}` });
  }
  for (const fault of was.faults.filter((id) => !is.faults.includes(id))) {
    found.push({ code: 'fault-removed', detail: fault });
  }
  if (levelRank(is.requiredLevel) < levelRank(was.requiredLevel)) {
    found.push({ code: 'level-lowered', detail: `${was.requiredLevel} -> ${is.requiredLevel}` });
  }
  for (const executor of was.executors.filter((name) => !is.executors.includes(name))) {
    found.push({ code: 'executor-removed', detail: executor });
  }
  if (was.outsideOracle.possible && !is.outsideOracle.possible) {
    found.push({ code: 'oracle-waived', detail: is.outsideOracle.reason ?? 'no reason given' });
  }
  return found;
}

/** A bar that accepts anything the old one refused; another metric or unit cannot be compared and counts as looser. */
function isLooser(was: Bar, is: Bar): boolean {
  if (was.metric !== is.metric || was.unit !== is.unit) return true;
  if (sideOf(was) !== sideOf(is)) return is.comparator !== '==' || !isWithin(was, is.threshold);
  if (sideOf(was) === 'exact') return is.threshold !== was.threshold;
  if (is.threshold !== was.threshold) return is.threshold > was.threshold === (sideOf(was) === 'below');
  return !was.comparator.endsWith('=') && is.comparator.endsWith('=');
}

function sideOf({ comparator }: Bar): 'below' | 'above' | 'exact' {
  if (comparator === '==') return 'exact';
  return comparator.startsWith('<') ? 'below' : 'above';
}

function receiptLoosenings(path: string, before: Receipt, status: ClaimStatus | undefined): Loosening[] {
  // The claim itself is gone: that is reported once, with the contract.
  if (status === undefined) return [];
  const { id, contract, line } = status.claim;
  const { stable } = before.predicate;
  const now = status.receipts.find((entry) => entry.path === path)?.receipt.predicate.stable;
  const made = (code: LooseningCode, detail: string): Loosening => {
    return { code, contract: contract.name, claim: id, detail, isDeclared: false, file: contract.path, line };
  };
  const refuted = partEntries(stable).filter(([, section]) => section.verdict === 'falsified');
  if (now === undefined) {
    return [refuted.length > 0 ? made('refutation-vanished', `${path} is gone`) : made('receipt-removed', path)];
  }
  const found: Loosening[] = [];
  const isSameInputs = comparePins(stable.pins, now.pins).length === 0;
  for (const [name] of refuted) {
    // A repaired product changes a pin. The same inputs cannot survive what they failed.
    if (isSameInputs && now.parts[name]?.verdict !== 'falsified') {
      found.push(made('refutation-vanished', `${name} was falsified on the same inputs`));
    }
  }
  for (const [name, section] of partEntries(stable)) {
    const part = now.parts[name];
    if (part === undefined) found.push(made('part-removed', name));
    else if (part.planned < section.planned) {
      found.push(made('cases-reduced', `${name}: ${section.planned} -> ${part.planned} cases`));
    }
  }
  const kept = new Set(now.faults.map((fault) => fault.id));
  for (const fault of stable.faults.filter(({ id }) => !kept.has(id))) found.push(made('fault-removed', fault.id));
  return found;
}

function partEntries(stable: Receipt['predicate']['stable']): [PartName, NonNullable<typeof stable.parts.generated>][] {
  return Object.entries(stable.parts) as [PartName, NonNullable<typeof stable.parts.generated>][];
}

function majorOf(contract: Contract): number {
  return Number(/^\d+/.exec(contract.metadata.version)?.[0] ?? 0);
}
