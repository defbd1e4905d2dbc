// What counts as a test of an obligation, and as a harness for one: in contracts with ids and in the original's style,
// where both sides are only words.
import { expect, test } from 'vitest';
import { judge } from './judge.ts';

const HEAD = 'metadata: {version: "1.0.0", description: d, references: [r], kind: pattern}\n';
const SECTIONS = { obligations: 'proof_obligations', tests: 'falsification_tests', harnesses: 'kani_harnesses' };
const BASE = { obligations: {}, tests: { prediction: 'p', if_fails: 'q' }, harnesses: { bound: 1 } };

type Sections = Partial<Record<keyof typeof SECTIONS, readonly object[]>>;

/** Codes, each with what its message begins with. */
function findings(sections: Sections): string[] {
  const text = Object.entries(sections).map(([key, entries]) => {
    const name = key as keyof typeof SECTIONS;
    const full = entries.map((entry, i) => ({ ...BASE[name], id: `${name.toUpperCase()}-${i}`, ...entry }));
    return `${SECTIONS[name]}: ${JSON.stringify(full)}\n`;
  });
  const { diagnostics } = judge(HEAD + text.join(''), { path: 'contracts/x-v1.yaml' });
  return diagnostics.map(({ code, message }) => `${code} ${message.split(' ', 1)[0]}`);
}

/** An obligation as the original writes it. */
const plain = (property: string, more: object = {}): object => ({ id: undefined, property, ...more });

test('a test covers what it names: by id, property, place, or the equation it binds to', () => {
  const obligations = [
    plain('sums to one'),
    plain('never negative', { type: 'bound' }),
    { id: 'OB-3', property: 'order is kept' },
    { id: 'OB-4', property: 'nothing is lost', applies_to: 'copy' },
  ];
  const tests = [
    { rule: 'Sums to  one, for any input' },
    { rule: 'u', obligation: 'X-BND-001' },
    { rule: 'v', covers: ['order is kept'] },
    { name: 'Nothing is lost' },
  ];
  expect(findings({ obligations: obligations.slice(3), tests: [{ rule: 'w', binds_to: 'copy' }] })).toHaveLength(2);
  expect(findings({ obligations, tests }).filter((text) => text.startsWith('PV-033'))).toEqual([]);
  const uncovered = tests.map((_, left) =>
    findings({ obligations, tests: tests.filter((_test, i) => i !== left) }).filter((text) =>
      text.startsWith('PV-033'),
    ),
  );
  expect(uncovered).toEqual([['PV-033 x-v1#invariant-1'], ['PV-033 x-v1#bound-1'], ['PV-033 OB-3'], ['PV-033 OB-4']]);
});

test('a test that names none covers one obligation that it shares a word with, and no more', () => {
  const obligations = [plain('Weights normalize'), plain('Output is bounded'), plain('Output is finite')];
  const first = { rule: 'Weight normalization' };
  const any = { rule: 'Convexity', prediction: 'each output lies between two: it is bounded and finite' };
  expect(findings({ obligations, tests: [any, first, any] })).toEqual([]);
  expect(findings({ obligations, tests: [first, any] })).toEqual(['PV-033 x-v1#invariant-3']);
  expect(findings({ obligations, tests: [first, any, { rule: 'speed' }] })).toEqual(['PV-033 x-v1#invariant-3']);
  // The first test fits both and must be left for the second one.
  expect(findings({ obligations: obligations.slice(1), tests: [any, { rule: 'bounds' }] })).toEqual([]);
});

test('a harness is for an obligation by id, property, or in the original by type and place', () => {
  const obligations = [plain('a is b'), plain('c is d', { type: 'bound' }), plain('e is f', { type: 'bound' })];
  const covers = obligations.map((obligation) => Object.values(obligation)[1] as string);
  const verdictOf = (obligation: string, list = obligations): boolean =>
    findings({ obligations: list, tests: [{ covers }], harnesses: [{ obligation }] }).length === 0;
  for (const name of ['X-INV-001', 'X-BND-2', 'X-Y-BND-002', 'X-BND-003', '3', 'c is d', 'x-v1#bound-2']) {
    expect([name, verdictOf(name)]).toEqual([name, true]);
  }
  for (const name of ['X-INV-002', 'X-BND-0', 'X-BND-004', 'X-MON-001', 'INV-001', '4', '0', 'c']) {
    expect([name, verdictOf(name)]).toEqual([name, false]);
  }
  // Where obligations have ids, those are their names.
  const withIds = obligations.map((obligation, i) => ({ ...obligation, id: `OB-${i}` }));
  expect(verdictOf('X-INV-001', withIds)).toBe(false);
  expect(verdictOf('OB-0', withIds)).toBe(true);
});
