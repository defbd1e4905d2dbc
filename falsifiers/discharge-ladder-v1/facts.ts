// Claims, receipts and dependencies as the ladder is given them: anything at all, and states near the top of the ladder,
// where one change decides. Used by the falsifier of discharge-ladder-v1 and by the tests of the level function.
import fc, { type Arbitrary } from 'fast-check';
import { LEVELS, VERDICTS } from '../../src/runner/level/types.ts';
import type { ClaimFacts, DependencyFacts, PartFacts, ReceiptFacts } from '../../src/runner/level/types.ts';

type Parts = { [Name in keyof ReceiptFacts['parts']]?: PartFacts | undefined };

/** A receipt with which a claim is DISCHARGED; the named parts are replaced, or left out with `undefined`. */
export function survivor(parts: Parts = {}): ReceiptFacts {
  const held: PartFacts = { verdict: 'survived', executed: 4, planned: 4 };
  const all = { generated: held, live: held, oracle: held, ...parts };
  return {
    environmentClass: 'cpu.x64.v8-13.6',
    executor: 'cpu',
    isFresh: true,
    machine: 'first',
    outputsDigest: 'outputs',
    parts: Object.fromEntries(Object.entries(all).filter(([, part]) => part !== undefined)),
    faults: [
      { id: 'gross', verdict: 'red' },
      { id: 'small', verdict: 'red' },
    ],
    confirmations: [],
  };
}

const part: Arbitrary<PartFacts> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ verdict: 'survived', executed: 4, planned: 4 } as const) },
  fc.record({ verdict: fc.constantFrom(...VERDICTS), executed: fc.nat(3), planned: fc.nat(3) }),
);
const fault = fc.record({
  id: fc.constantFrom('gross', 'small', 'third'),
  verdict: fc.constantFrom('red', 'red', 'red', 'red', 'green', 'not-run', 'error'),
});

export const receiptFacts: Arbitrary<ReceiptFacts> = fc.record({
  environmentClass: fc.constantFrom('cpu.x64.v8-13.6', 'cpu.arm64.v8-13.6', 'webgpu.swiftshader', 'webgpu.nvidia-h100'),
  executor: fc.constantFrom('cpu', 'cpu', 'cpu', 'webgpu', 'webgpu.nvidia-h100'),
  isFresh: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
  machine: fc.constantFrom('first', 'second'),
  outputsDigest: fc.constantFrom('a', 'b'),
  parts: fc.record({ generated: part, live: part, oracle: part }, { requiredKeys: ['generated'] }),
  faults: fc.uniqueArray(fault, { selector: ({ id }) => id, maxLength: 3 }),
  confirmations: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    fc.array(
      fc.record({
        machine: fc.constantFrom('first', 'second'),
        verdict: fc.constantFrom('survived', 'survived', 'survived', 'falsified', 'flaky'),
        outputsDigest: fc.constantFrom('a', 'b'),
      }),
      { maxLength: 2 },
    ),
  ),
});

export const claimFacts: Arbitrary<ClaimFacts> = fc.record({
  executors: fc.constantFrom(['cpu'], ['cpu', 'webgpu'], ['webgpu'], []),
  faults: fc.constantFrom([], ['gross'], ['gross', 'small'], ['gross', 'webgpu:small'], ['webgpu:third']),
  canHaveOracle: fc.boolean(),
});

const rungOrNothing = fc.constantFrom(...LEVELS, null);

export const dependencies: Arbitrary<DependencyFacts[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<DependencyFacts[]>([]) },
  fc.array(fc.record<DependencyFacts>({ stem: fc.constantFrom('x', 'y'), level: rungOrNothing, word: rungOrNothing }), {
    maxLength: 2,
  }),
);

/** A receipt with which its claim is DISCHARGED or nearly so: at most two things about it are spoilt. */
const nearReceipt: Arbitrary<ReceiptFacts> = fc
  .tuple(fc.constantFrom('cpu', 'cpu', 'webgpu'), fc.array(fc.nat(), { maxLength: 2 }), fc.boolean())
  .map(([executor, picks, isConfirmed]) => {
    const whole: ReceiptFacts = {
      ...survivor(),
      executor,
      environmentClass: `${executor}.x64`,
      confirmations: isConfirmed ? [{ machine: 'second', verdict: 'survived', outputsDigest: 'outputs' }] : [],
    };
    return picks.reduce((receipt, pick) => spoil(receipt, pick), whole);
  });

const SPOILS: readonly ((receipt: ReceiptFacts, detail: number) => ReceiptFacts)[] = [
  (receipt) => ({ ...receipt, isFresh: false }),
  (receipt, detail) => withPart(receipt, detail, { verdict: VERDICTS[detail % VERDICTS.length] ?? 'error' }),
  (receipt, detail) => withPart(receipt, detail, { executed: (detail % 5) + 1 }),
  (receipt, detail) => withPart(receipt, detail, { executed: 0, planned: 0 }),
  (receipt, detail) => ({ ...receipt, parts: partsWithout(receipt.parts, nameAt(detail)) }),
  (receipt, detail) => {
    const spoilt = { id: 'small', verdict: (['green', 'not-run', 'error'] as const)[detail % 3] ?? 'error' };
    return { ...receipt, faults: [...receipt.faults.filter(({ id }) => id !== 'small'), spoilt] };
  },
  (receipt) => ({ ...receipt, faults: [] }),
  (receipt, detail) => {
    const verdict = (['survived', 'falsified', 'flaky'] as const)[detail % 3] ?? 'flaky';
    const doubt = {
      machine: detail % 2 === 0 ? 'first' : 'third',
      verdict,
      outputsDigest: detail % 5 === 0 ? 'others' : 'outputs',
    };
    return { ...receipt, confirmations: [doubt, ...receipt.confirmations] };
  },
];

function spoil(receipt: ReceiptFacts, pick: number): ReceiptFacts {
  const change = SPOILS[pick % SPOILS.length];
  return change === undefined ? receipt : change(receipt, Math.floor(pick / SPOILS.length));
}

function nameAt(detail: number): keyof ReceiptFacts['parts'] {
  return (['generated', 'live', 'oracle'] as const)[detail % 3] ?? 'live';
}

function withPart(receipt: ReceiptFacts, detail: number, change: Partial<PartFacts>): ReceiptFacts {
  const name = nameAt(detail);
  const before = receipt.parts[name];
  return before === undefined ? receipt : { ...receipt, parts: { ...receipt.parts, [name]: { ...before, ...change } } };
}

function partsWithout(parts: ReceiptFacts['parts'], name: keyof ReceiptFacts['parts']): ReceiptFacts['parts'] {
  return Object.fromEntries(Object.entries(parts).filter(([key]) => key !== name));
}

/** Everything that a level follows from. */
export interface LadderState {
  claim: ClaimFacts;
  receipts: ReceiptFacts[];
  dependsOn: DependencyFacts[];
}

export const ladderStates: Arbitrary<LadderState> = fc.oneof(
  fc.record({ claim: claimFacts, receipts: fc.array(receiptFacts, { maxLength: 4 }), dependsOn: dependencies }),
  fc.record({
    claim: claimFacts,
    receipts: fc.array(nearReceipt, { minLength: 1, maxLength: 3 }),
    dependsOn: fc.oneof({ weight: 4, arbitrary: fc.constant<DependencyFacts[]>([]) }, dependencies),
  }),
);
