// The laws of the ladder as counts of violations over one state each; 0 is what the claims allow. Only the naive form and
// plain comparisons judge here, nothing that the level function itself says about its reasons.
import { deriveLevel } from '../../src/runner/level/derive-level.ts';
import type { Level, PartFacts, ReceiptFacts } from '../../src/runner/level/types.ts';
import type { LadderState } from './facts.ts';
import { naiveLevel, promisedOf } from './naive.ts';

const ORDER: readonly Level[] = ['NONE', 'PARTIAL_ALGORITHM_LEVEL', 'FUNCTIONAL', 'DISCHARGED'];
const rank = (level: Level): number => ORDER.indexOf(level);

function levelOf({ claim, receipts, dependsOn }: LadderState): Level {
  return deriveLevel(claim, receipts, dependsOn).level;
}

const holds = (isTrue: boolean): number => (isTrue ? 0 : 1);

/** Level and greyed word against the second form; the word is the level were every receipt fresh, here and
 * in what the claim depends on. */
export function countDifferences(state: LadderState): number {
  const { claim, receipts, dependsOn } = state;
  const { level, word } = deriveLevel(claim, receipts, dependsOn);
  const words = dependsOn.map((dependency) => ({ stem: dependency.stem, level: dependency.word ?? null }));
  const asFresh = receipts.map((receipt) => ({ ...receipt, isFresh: true }));
  return holds(level === naiveLevel(claim, receipts, dependsOn)) + holds(word === naiveLevel(claim, asFresh, words));
}

/** Nothing bad about it: every part that was run survived, every other machine agrees. */
function isGood({ parts, confirmations, outputsDigest }: ReceiptFacts): boolean {
  return (
    Object.values(parts).every((part) => part?.verdict === 'survived') &&
    confirmations.every((other) => other.verdict === 'survived' && other.outputsDigest === outputsDigest)
  );
}

/** Taking good evidence away and adding a refutation: neither raises a level, and a required refutation leaves none. */
export function countRises(state: LadderState): number {
  const { claim, receipts } = state;
  const before = rank(levelOf(state));
  let rises = 0;
  for (const receipt of receipts.filter(isGood)) {
    const rest = receipts.filter((other) => other !== receipt);
    rises += holds(rank(levelOf({ ...state, receipts: rest })) <= before);
  }
  for (const receipt of receipts) {
    for (const [name, part] of Object.entries(receipt.parts) as [string, PartFacts][]) {
      const refuted = { ...receipt, parts: { ...receipt.parts, [name]: { ...part, verdict: 'falsified' as const } } };
      const after = levelOf({ ...state, receipts: [...receipts, refuted] });
      rises += holds(rank(after) <= before);
      if (receipt.isFresh && claim.executors.includes(receipt.executor)) rises += holds(after === 'NONE');
    }
  }
  return rises;
}

/** The same state again, in every order, and whether it was left as it was handed in. */
export function countDependences(state: LadderState): number {
  const spelt = JSON.stringify(state);
  const first = deriveLevel(state.claim, state.receipts, state.dependsOn);
  const again = deriveLevel(state.claim, state.receipts, state.dependsOn);
  const turned = (receipt: ReceiptFacts): ReceiptFacts => ({
    ...receipt,
    faults: receipt.faults.toReversed(),
    confirmations: receipt.confirmations.toReversed(),
  });
  const { claim, receipts, dependsOn } = state;
  const reversed = {
    claim: { ...claim, executors: claim.executors.toReversed(), faults: claim.faults.toReversed() },
    receipts: receipts.toReversed().map(turned),
    dependsOn: dependsOn.toReversed(),
  };
  const rotated = { claim, receipts: [...receipts.slice(1), ...receipts.slice(0, 1)], dependsOn };
  const words = ({ level, word, isStale }: ReturnType<typeof deriveLevel>): string => `${level} ${word} ${isStale}`;
  const other = deriveLevel(reversed.claim, reversed.receipts, reversed.dependsOn);
  return (
    holds(JSON.stringify(first) === JSON.stringify(again)) +
    holds(words(first) === words(other)) +
    holds(levelOf(rotated) === first.level) +
    holds(JSON.stringify(state) === spelt)
  );
}

/** A stale receipt neither gives nor takes: the level is that of the fresh ones alone. */
export function countStale(state: LadderState): number {
  const { receipts } = state;
  const fresh = receipts.filter(({ isFresh }) => isFresh);
  const allStale = receipts.map((receipt) => ({ ...receipt, isFresh: false }));
  return (
    holds(levelOf(state) === levelOf({ ...state, receipts: fresh })) +
    holds(levelOf({ ...state, receipts: [...receipts, ...allStale] }) === levelOf(state)) +
    holds(levelOf({ ...state, receipts: allStale }) === 'NONE')
  );
}

/** Flaky holds at PARTIAL, disputed at FUNCTIONAL, and nothing stands above a contract that it depends on. */
export function countBrokenCaps(state: LadderState): number {
  const { claim, receipts, dependsOn } = state;
  const level = rank(levelOf(state));
  const fresh = receipts.filter(({ isFresh }) => isFresh);
  const doubts = fresh.flatMap(({ confirmations, outputsDigest }) =>
    confirmations.filter((other) => other.verdict !== 'survived' || other.outputsDigest !== outputsDigest),
  );
  const words = (some: readonly ReceiptFacts[]): string[] =>
    some.flatMap(({ parts }) => Object.values(parts).map((part) => part?.verdict ?? ''));
  const isFlaky = words(fresh).includes('flaky') || doubts.some(({ verdict }) => verdict === 'flaky');
  const isRefutedElsewhere = words(fresh.filter(({ executor }) => !claim.executors.includes(executor))).includes(
    'falsified',
  );
  let broken = 0;
  if (isFlaky) broken += holds(level <= rank('PARTIAL_ALGORITHM_LEVEL'));
  if (doubts.length > 0 || isRefutedElsewhere) broken += holds(level <= rank('FUNCTIONAL'));
  for (const dependency of dependsOn) broken += holds(level <= rank(dependency.level ?? 'NONE'));
  return broken;
}

/** Without a complete generated part and every fault seen red, on one fresh receipt of a required class: nothing. */
export function countHollow(state: LadderState): number {
  const { claim, receipts } = state;
  const isSolid = receipts.some((receipt) => {
    const { isFresh, executor, parts, faults } = receipt;
    const isWhole = (part: PartFacts | undefined): boolean =>
      part !== undefined && part.planned > 0 && part.executed === part.planned && part.verdict === 'survived';
    const red = new Set(faults.filter(({ verdict }) => verdict === 'red').map(({ id }) => id));
    const promised = promisedOf(claim, receipt);
    const isSharp = faults.length > 0 && red.size === faults.length && promised.every((id) => red.has(id));
    return isFresh && claim.executors.includes(executor) && isWhole(parts.generated) && isSharp;
  });
  const isLive = receipts.some(
    ({ isFresh, parts: { live } }) =>
      isFresh && live !== undefined && live.planned > 0 && live.executed === live.planned,
  );
  const level = rank(levelOf(state));
  return (isSolid ? 0 : holds(level === 0)) + (isLive ? 0 : holds(level <= rank('PARTIAL_ALGORITHM_LEVEL')));
}
