// The ladder written a second time, from DESIGN §7 and in the most literal way: the falsifier of discharge-ladder-v1
// compares the product with it. Shares types with the product and nothing else.
import type { ClaimFacts, DependencyFacts, Level, PartFacts, ReceiptFacts } from '../../src/runner/level/types.ts';

const ORDER: readonly Level[] = ['NONE', 'PARTIAL_ALGORITHM_LEVEL', 'FUNCTIONAL', 'DISCHARGED'];

/** Those of the receipt's executor by name, `webgpu:x`; where there is none, those without a name. */
export function promisedOf({ faults }: ClaimFacts, { executor }: ReceiptFacts): string[] {
  const split = faults.map((fault) => (fault.includes(':') ? fault.split(':') : ['', fault]));
  const named = split.filter(([of]) => of === executor);
  return (named.length > 0 ? named : split.filter(([of]) => of === '')).map(([, id = '']) => id);
}

export function naiveLevel(
  claim: ClaimFacts,
  all: readonly ReceiptFacts[],
  dependsOn: readonly DependencyFacts[],
): Level {
  const fresh = all.filter((receipt) => receipt.isFresh);
  const required = fresh.filter((receipt) => claim.executors.includes(receipt.executor));
  const others = fresh.filter((receipt) => !claim.executors.includes(receipt.executor));
  const words = (receipts: readonly ReceiptFacts[]): string[] =>
    receipts.flatMap(({ parts }) => [parts.generated, parts.live, parts.oracle].map((part) => part?.verdict ?? ''));

  if (words(required).includes('falsified') || words(required).includes('error')) return 'NONE';

  const held = (part: PartFacts | undefined): boolean =>
    part !== undefined && part.verdict === 'survived' && part.executed === part.planned && part.planned > 0;
  const sharp = (receipt: ReceiptFacts): boolean => {
    const red = receipt.faults.filter((fault) => fault.verdict === 'red').map((fault) => fault.id);
    const promised = promisedOf(claim, receipt);
    return red.length > 0 && red.length === receipt.faults.length && promised.every((id) => red.includes(id));
  };
  const partial = (receipt: ReceiptFacts): boolean => held(receipt.parts.generated) && sharp(receipt);
  const functional = (receipt: ReceiptFacts): boolean => partial(receipt) && held(receipt.parts.live);
  const agreed = (receipt: ReceiptFacts): boolean =>
    receipt.confirmations.some(
      ({ machine, verdict, outputsDigest }) =>
        machine !== receipt.machine && verdict === 'survived' && outputsDigest === receipt.outputsDigest,
    );
  const discharged = (receipt: ReceiptFacts): boolean =>
    functional(receipt) && (claim.canHaveOracle ? held(receipt.parts.oracle) : agreed(receipt));
  const onEvery = (rule: (receipt: ReceiptFacts) => boolean): boolean =>
    claim.executors.length > 0 &&
    claim.executors.every((executor) => required.some((receipt) => receipt.executor === executor && rule(receipt)));

  let rank = 0;
  if (required.some(partial)) rank = 1;
  if (onEvery(functional)) rank = 2;
  if (onEvery(discharged)) rank = 3;

  const doubts = fresh.flatMap((receipt) =>
    receipt.confirmations.filter(
      ({ verdict, outputsDigest }) => verdict !== 'survived' || outputsDigest !== receipt.outputsDigest,
    ),
  );
  if (words(others).includes('falsified') || doubts.length > 0) rank = Math.min(rank, 2);
  const isFlaky = words(fresh).includes('flaky') || doubts.some(({ verdict }) => verdict === 'flaky');
  if (isFlaky) rank = Math.min(rank, 1);
  for (const { level } of dependsOn) rank = Math.min(rank, level === null ? 0 : ORDER.indexOf(level));
  return ORDER[rank] ?? 'NONE';
}
