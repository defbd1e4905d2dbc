import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deriveLevel } from '../../../src/runner/level/derive-level.ts';
import { LEVELS } from '../../../src/runner/level/types.ts';
import type { ClaimFacts, ReceiptFacts } from '../../../src/runner/level/types.ts';
import { naiveLevel } from '../../../falsifiers/discharge-ladder-v1/naive.ts';
import { claimFacts, dependencies, receiptFacts, survivor } from '../../../falsifiers/discharge-ladder-v1/facts.ts';

describe('deriveLevel', () => {
  const claim: ClaimFacts = { executors: ['cpu'], faults: ['gross', 'small'], canHaveOracle: true };

  it.each([
    ['no receipt', [], 'NONE', 'no-receipt'],
    ['all parts survived', [survivor()], 'DISCHARGED', null],
    ['no oracle part', [survivor({ oracle: undefined })], 'FUNCTIONAL', 'no-part'],
    [
      'live not run',
      [survivor({ live: { verdict: 'not-run', executed: 0, planned: 4 } })],
      'PARTIAL_ALGORITHM_LEVEL',
      'not-run',
    ],
    ['no live, oracle survived', [survivor({ live: undefined })], 'PARTIAL_ALGORITHM_LEVEL', 'no-part'],
    [
      'oracle falsified',
      [survivor({ oracle: { verdict: 'falsified', executed: 1, planned: 4 } })],
      'NONE',
      'falsified',
    ],
    ['live in error', [survivor({ live: { verdict: 'error', executed: 0, planned: 4 } })], 'NONE', 'error'],
    [
      'live flaky',
      [survivor({ live: { verdict: 'flaky', executed: 4, planned: 4 } })],
      'PARTIAL_ALGORITHM_LEVEL',
      'flaky',
    ],
    [
      'zero cases survived',
      [survivor({ generated: { verdict: 'survived', executed: 0, planned: 0 } })],
      'NONE',
      'incomplete',
    ],
    [
      'one case short',
      [survivor({ generated: { verdict: 'survived', executed: 9, planned: 10 } })],
      'NONE',
      'incomplete',
    ],
  ] as const)('%s', (_title, receipts, level, cause) => {
    const derivation = deriveLevel(claim, receipts);
    expect([derivation.level, derivation.cause?.code ?? null]).toEqual([level, cause]);
  });

  it('asks each executor for its own faults, and no executor for the receipt of a real GPU', () => {
    const both: ClaimFacts = { ...claim, executors: ['cpu', 'webgpu'], faults: ['gross', 'webgpu:kernel'] };
    const faults = [{ id: 'kernel', verdict: 'red' }] as const;
    const gpu = { ...survivor(), executor: 'webgpu', environmentClass: 'webgpu.swiftshader', faults };
    const real = { ...gpu, executor: 'webgpu.nvidia-h100', environmentClass: 'webgpu.nvidia-h100' };
    const levelWith = (...others: ReceiptFacts[]): string => deriveLevel(both, [survivor(), ...others]).level;
    expect(levelWith(gpu)).toBe('DISCHARGED');
    expect(levelWith({ ...gpu, faults: survivor().faults })).toBe('PARTIAL_ALGORITHM_LEVEL');
    expect(levelWith(real)).toBe('PARTIAL_ALGORITHM_LEVEL');
    const refuted = { ...real, parts: { live: { verdict: 'falsified', executed: 1, planned: 4 } } } as const;
    expect(levelWith(gpu, refuted)).toBe('FUNCTIONAL');
  });

  it('names the planted fault that stayed green', () => {
    const faults = [
      { id: 'gross', verdict: 'red' },
      { id: 'small', verdict: 'green' },
    ] as const;
    const { level, cause } = deriveLevel(claim, [{ ...survivor(), faults }]);
    expect([level, cause?.code, cause?.subject]).toEqual(['NONE', 'fault-green', 'small']);
  });

  it('counts neither a falsifier without faults nor a promised fault that is not planted', () => {
    const without = { ...survivor(), faults: [] };
    expect(deriveLevel({ ...claim, faults: [] }, [without]).cause?.code).toBe('no-faults');
    expect(deriveLevel(claim, [without]).cause?.code).toBe('fault-unplanted');
  });

  it('keeps the word of a stale receipt and counts it as nothing', () => {
    const derivation = deriveLevel(claim, [{ ...survivor(), isFresh: false }]);
    expect(derivation).toMatchObject({ level: 'NONE', word: 'DISCHARGED', isStale: true, cause: { code: 'stale' } });
  });

  it('takes a second machine with the same outputs where no oracle can exist', () => {
    const closed = { ...claim, canHaveOracle: false };
    const base = survivor({ oracle: undefined });
    const confirmed = (machine: string, outputsDigest: string): ReceiptFacts => ({
      ...base,
      confirmations: [{ machine, verdict: 'survived', outputsDigest }],
    });
    expect(deriveLevel(closed, [base]).cause?.code).toBe('unconfirmed');
    expect(deriveLevel(closed, [confirmed(base.machine, base.outputsDigest)]).level).toBe('FUNCTIONAL');
    expect(deriveLevel(closed, [confirmed('other', base.outputsDigest)]).level).toBe('DISCHARGED');
    const disputed = deriveLevel(closed, [confirmed('other', 'another digest')]);
    expect([disputed.level, disputed.caps[0]?.cause.code]).toEqual(['FUNCTIONAL', 'disputed']);
  });

  it('asks every required executor for the live part, and one for the generated', () => {
    const both = { ...claim, executors: ['cpu', 'webgpu'] };
    expect(deriveLevel(both, [survivor()])).toMatchObject({
      level: 'PARTIAL_ALGORITHM_LEVEL',
      cause: { code: 'class-missing', subject: 'webgpu' },
    });
    const gpu = { ...survivor(), executor: 'webgpu', environmentClass: 'webgpu.swiftshader' };
    expect(deriveLevel(both, [survivor(), gpu]).level).toBe('DISCHARGED');
  });

  it('holds a claim at FUNCTIONAL when a class that is not required refutes it', () => {
    const gpu = {
      ...survivor({ generated: { verdict: 'falsified', executed: 3, planned: 10 } }),
      executor: 'webgpu',
      environmentClass: 'webgpu.nvidia-h100',
    } as const;
    expect(deriveLevel(claim, [survivor(), gpu])).toMatchObject({ level: 'FUNCTIONAL', cause: { code: 'disputed' } });
  });

  it('never stands above a dependency; a missing or empty one is nothing', () => {
    for (const level of LEVELS) {
      expect(deriveLevel(claim, [survivor()], [{ stem: 'x', level }]).level).toBe(level);
    }
    expect(deriveLevel(claim, [survivor()], [{ stem: 'x', level: null }]).level).toBe('NONE');
  });

  it('keeps its word, stale, when only a dependency went stale', () => {
    const dependency = { stem: 'x', level: 'NONE', word: 'FUNCTIONAL' } as const;
    expect(deriveLevel(claim, [survivor()], [dependency])).toMatchObject({
      level: 'NONE',
      word: 'FUNCTIONAL',
      isStale: true,
      cause: { code: 'dependency' },
    });
  });
});

// The other laws are FALSIFY-LADDER-001 to -006.
describe('a cause', () => {
  const inputs = fc.tuple(claimFacts, fc.array(receiptFacts, { maxLength: 4 }), dependencies);
  it('is given exactly where something is missing', () => {
    fc.assert(
      fc.property(inputs, ([claim, receipts, dependsOn]) => {
        const { level, cause } = deriveLevel(claim, receipts, dependsOn);
        expect(cause === null).toBe(level === 'DISCHARGED');
      }),
      { numRuns: 500 },
    );
  });
});

describe('deriveLevel on every small case', () => {
  it('agrees with the naive formulation on all combinations of part outcomes, faults, freshness and oracle', () => {
    const outcomes = [
      undefined,
      { verdict: 'survived', executed: 2, planned: 2 },
      { verdict: 'survived', executed: 1, planned: 2 },
      { verdict: 'survived', executed: 0, planned: 0 },
      { verdict: 'falsified', executed: 1, planned: 2 },
      { verdict: 'flaky', executed: 2, planned: 2 },
      { verdict: 'not-run', executed: 0, planned: 2 },
      { verdict: 'error', executed: 0, planned: 2 },
    ] as const;
    let count = 0;
    for (const generated of outcomes) {
      for (const live of outcomes) {
        for (const oracle of outcomes) {
          for (const fault of ['red', 'green', 'not-run', 'error', null] as const) {
            for (const isFresh of [true, false]) {
              for (const canHaveOracle of [true, false]) {
                const receipt: ReceiptFacts = {
                  ...survivor({ generated, live, oracle }),
                  isFresh,
                  faults: fault === null ? [] : [{ id: 'f', verdict: fault }],
                };
                const claim = { executors: ['cpu'], faults: ['f'], canHaveOracle };
                expect(deriveLevel(claim, [receipt]).level).toBe(naiveLevel(claim, [receipt], []));
                count += 1;
              }
            }
          }
        }
      }
    }
    expect(count).toBe(8 * 8 * 8 * 5 * 2 * 2);
  });
});
