// Claims, receipts and dependencies for the tests of the ladder.
import fc, { type Arbitrary } from 'fast-check';
import { LEVELS, VERDICTS } from '../../../src/runner/level/types.ts';
import type { ClaimFacts, DependencyFacts, PartFacts, ReceiptFacts } from '../../../src/runner/level/types.ts';

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
  environmentClass: fc.constantFrom('cpu.x64.v8-13.6', 'cpu.arm64.v8-13.6', 'webgpu.swiftshader'),
  executor: fc.constantFrom('cpu', 'cpu', 'cpu', 'webgpu'),
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
  faults: fc.constantFrom([], ['gross'], ['gross', 'small']),
  canHaveOracle: fc.boolean(),
});

export const dependencies: Arbitrary<DependencyFacts[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<DependencyFacts[]>([]) },
  fc.array(fc.record<DependencyFacts>({ stem: fc.constantFrom('x', 'y'), level: fc.constantFrom(...LEVELS, null) }), {
    maxLength: 2,
  }),
);
