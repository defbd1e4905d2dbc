// The discharge ladder: DESIGN §7 as one pure function of claim, receipts and dependencies. Nothing else in the
// product decides a level; contracts/discharge-ladder-v1.yaml states its laws. No files, no clock, no wording.
import { LEVELS, levelRank, lowerLevel, promisedOn } from './types.ts';
import type { Cap, Cause, ClaimFacts, DependencyFacts, Derivation, Level, ReceiptFacts, Rung } from './types.ts';

type RungLevel = Exclude<Level, 'NONE'>;
const RUNGS: readonly RungLevel[] = ['PARTIAL_ALGORITHM_LEVEL', 'FUNCTIONAL', 'DISCHARGED'];

/**
 * level = min(highest rung that is met with all rungs below it, every cap), NONE when a required class is falsified
 * or in error. Stale receipts are left out first; with all of them, and those of dependencies, counted as fresh, the
 * same rule gives `word`.
 */
export function deriveLevel(
  claim: ClaimFacts,
  receipts: readonly ReceiptFacts[],
  dependencies: readonly DependencyFacts[] = [],
): Derivation {
  const fresh = receipts.filter((receipt) => receipt.isFresh);
  const now = judge(claim, fresh, dependencies);
  const words = dependencies.map(({ stem, level, word = level }) => ({ stem, level: word }));
  const { level: word } = judge(claim, receipts, words);
  const isStale = levelRank(word) > levelRank(now.level) || (fresh.length === 0 && receipts.length > 0);
  const cause = isStale && now.cause?.code === 'no-receipt' ? staleCause(receipts) : now.cause;
  return { ...now, word, isStale, cause };
}

type Judgement = Omit<Derivation, 'word' | 'isStale'>;

function judge(
  claim: ClaimFacts,
  receipts: readonly ReceiptFacts[],
  dependencies: readonly DependencyFacts[],
): Judgement {
  const required = receipts.filter((receipt) => claim.executors.includes(receipt.executor));
  const refusal = firstRefusal(claim, required);
  const rungs = RUNGS.map((level) => judgeRung(level, claim, required));
  const caps = capsOf(claim, receipts, dependencies);
  if (refusal !== null) return { level: 'NONE', cause: refusal, rungs, caps };

  const reached = rungs.findIndex((rung) => !rung.isMet);
  const earned = LEVELS[reached === -1 ? LEVELS.length - 1 : reached] ?? 'NONE';
  const level = caps.reduce((lowest, cap) => lowerLevel(lowest, cap.level), earned);
  const holding = caps.find((cap) => cap.level === level && levelRank(level) < levelRank(earned));
  const cause = holding?.cause ?? rungs[reached]?.missing[0] ?? null;
  return { level, cause, rungs, caps };
}

/** What makes any level impossible, whatever else there is. */
function firstRefusal(claim: ClaimFacts, required: readonly ReceiptFacts[]): Cause | null {
  if (claim.executors.length === 0) return { code: 'no-required-class' };
  if (required.length === 0) return { code: 'no-receipt' };
  for (const code of ['falsified', 'error'] as const) {
    for (const receipt of required) {
      const part = partsOf(receipt).find((entry) => entry.facts.verdict === code);
      if (part !== undefined) return { code, subject: part.name, environmentClass: receipt.environmentClass };
    }
  }
  return null;
}

/** PARTIAL asks for one required class, the rungs above it for every one. */
function judgeRung(level: RungLevel, claim: ClaimFacts, required: readonly ReceiptFacts[]): Rung {
  const perExecutor = claim.executors.map((executor) => bestOf(level, claim, executor, required));
  const isMet =
    perExecutor.length > 0 &&
    (level === 'PARTIAL_ALGORITHM_LEVEL'
      ? perExecutor.some((missing) => missing.length === 0)
      : perExecutor.every((missing) => missing.length === 0));
  return { level, isMet, missing: isMet ? [] : perExecutor.flat() };
}

/** What the best receipt of one executor still misses for a rung; empty when it has it. */
function bestOf(
  level: RungLevel,
  claim: ClaimFacts,
  executor: string,
  required: readonly ReceiptFacts[],
): readonly Cause[] {
  const candidates = required
    .filter((receipt) => receipt.executor === executor)
    .map((receipt) => missingIn(receipt, level, claim));
  const best = candidates.toSorted((a, b) => a.length - b.length)[0];
  return best ?? [{ code: 'class-missing', subject: executor }];
}

function missingIn(receipt: ReceiptFacts, level: RungLevel, claim: ClaimFacts): Cause[] {
  const missing = [...missingInPart(receipt, 'generated'), ...missingFaults(receipt, claim)];
  if (level !== 'PARTIAL_ALGORITHM_LEVEL') missing.push(...missingInPart(receipt, 'live'));
  if (level === 'DISCHARGED') missing.push(...missingOutsideWord(receipt, claim));
  return missing.map((cause) => ({ ...cause, environmentClass: receipt.environmentClass }));
}

function missingInPart(receipt: ReceiptFacts, name: keyof ReceiptFacts['parts']): Cause[] {
  const part = receipt.parts[name];
  if (part === undefined) return [{ code: 'no-part', subject: name }];
  switch (part.verdict) {
    case 'survived':
      // Nothing compared is not a pass, and neither is less than was promised.
      return part.planned > 0 && part.executed === part.planned
        ? []
        : [{ code: 'incomplete', subject: name, detail: `${part.executed} of ${part.planned}` }];
    case 'falsified':
    case 'error':
    case 'flaky':
    case 'not-run':
      return [{ code: part.verdict, subject: name }];
  }
}

/** Every fault that the contract promises or the falsifier plants, and at least one, was seen red. */
function missingFaults(receipt: ReceiptFacts, claim: ClaimFacts): Cause[] {
  const promised = promisedOn(claim.faults, receipt.executor);
  if (promised.length === 0 && receipt.faults.length === 0) return [{ code: 'no-faults' }];
  const seen = new Map(receipt.faults.map((fault) => [fault.id, fault.verdict]));
  const ids = [...new Set([...promised, ...seen.keys()])];
  return ids.flatMap((id): Cause[] => {
    const verdict = seen.get(id);
    if (verdict === 'red') return [];
    return [{ code: verdict === undefined ? 'fault-unplanted' : (`fault-${verdict}` as const), subject: id }];
  });
}

/** The oracle's word; where none can exist, a second machine with the same outputs. */
function missingOutsideWord(receipt: ReceiptFacts, claim: ClaimFacts): Cause[] {
  if (claim.canHaveOracle) return missingInPart(receipt, 'oracle');
  const isConfirmed = receipt.confirmations.some(
    (confirmation) => confirmation.machine !== receipt.machine && agrees(confirmation, receipt),
  );
  return isConfirmed ? [] : [{ code: 'unconfirmed' }];
}

function agrees(confirmation: ReceiptFacts['confirmations'][number], receipt: ReceiptFacts): boolean {
  return confirmation.verdict === 'survived' && confirmation.outputsDigest === receipt.outputsDigest;
}

function capsOf(
  claim: ClaimFacts,
  receipts: readonly ReceiptFacts[],
  dependencies: readonly DependencyFacts[],
): readonly Cap[] {
  const caps: Cap[] = [];
  for (const receipt of receipts) {
    const { environmentClass } = receipt;
    for (const { name, facts } of partsOf(receipt)) {
      if (facts.verdict === 'flaky') {
        caps.push({ level: 'PARTIAL_ALGORITHM_LEVEL', cause: { code: 'flaky', subject: name, environmentClass } });
      }
      // On a class that is not required a refutation does not take the level away, it puts it in dispute.
      if (facts.verdict === 'falsified' && !claim.executors.includes(receipt.executor)) {
        caps.push({ level: 'FUNCTIONAL', cause: { code: 'disputed', subject: name, environmentClass } });
      }
    }
    for (const confirmation of receipt.confirmations) {
      const subject = confirmation.machine;
      if (confirmation.verdict === 'flaky') {
        caps.push({ level: 'PARTIAL_ALGORITHM_LEVEL', cause: { code: 'flaky', subject, environmentClass } });
      }
      if (!agrees(confirmation, receipt)) {
        caps.push({ level: 'FUNCTIONAL', cause: { code: 'disputed', subject, environmentClass } });
      }
    }
  }
  for (const { stem, level } of dependencies) {
    caps.push({ level: level ?? 'NONE', cause: { code: 'dependency', subject: stem, detail: level ?? 'no claim' } });
  }
  return caps.toSorted((a, b) => levelRank(a.level) - levelRank(b.level));
}

function partsOf(receipt: ReceiptFacts): { name: string; facts: ReceiptFacts['parts']['generated'] & object }[] {
  const { generated, live, oracle } = receipt.parts;
  return Object.entries({ generated, live, oracle }).flatMap(([name, facts]) =>
    facts === undefined ? [] : [{ name, facts }],
  );
}

function staleCause(receipts: readonly ReceiptFacts[]): Cause {
  const first = receipts.find((receipt) => !receipt.isFresh);
  return first === undefined ? { code: 'stale' } : { code: 'stale', environmentClass: first.environmentClass };
}
