// What depends on many contracts at once does not depend on their order.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { validateContracts, type Contract } from '../../../src/runner/contract/index.ts';
import { circlesOf, shortestRound } from '../../../src/runner/contract/rules/circles.ts';
import { brief, contractOf } from './judge.ts';

function small(name: string, dependsOn: readonly string[], ids: readonly string[] = []): Contract {
  const tests = ids.map((id) => `  - {id: ${id}, prediction: p, if_fails: q}\n`).join('');
  const head = `metadata: {version: "1.0.0", description: d, references: [r], kind: schema, depends_on: [${dependsOn.join(', ')}]}\n`;
  return contractOf(`contracts/${name}.yaml`, `${head}falsification_tests:${tests === '' ? ' []\n' : `\n${tests}`}`);
}

const validate = (contracts: readonly Contract[]): ReturnType<typeof validateContracts> =>
  validateContracts({ contracts, falsifierText: () => undefined });

const CORPUS = [
  small('a-v1', ['b-v1'], ['F-1', 'F-2']),
  small('b-v1', ['c-v1', 'd-v1'], ['F-2']),
  small('c-v1', ['a-v1', 'gone-v1'], ['F-3', 'F-3']),
  small('d-v1', [], ['F-2', 'F-4']),
  small('e-v1', ['f-v1']),
  small('f-v1', ['e-v1', 'd-v1']),
];

test('the findings are the same for any order of files', () => {
  const expected = validate(CORPUS);
  expect(expected.diagnostics.map((finding) => `${finding.file.slice(10, 14)} ${brief(finding)}`)).toEqual([
    'a-v1 PV-032 error 1:90',
    'a-v1 PV-020 error 4:10',
    'b-v1 PV-020 error 3:10',
    'c-v1 PV-031 error 1:96',
    'c-v1 SCHEMA-007 error 4:10',
    'd-v1 PV-020 error 3:10',
    'e-v1 PV-032 error 1:90',
    'e-v1 PV-035 warning 2:1',
    'f-v1 PV-035 warning 2:1',
  ]);
  expect(expected.links.depends_on).toEqual({ resolved: 7, total: 8 });
  fc.assert(
    fc.property(fc.shuffledSubarray(CORPUS, { minLength: CORPUS.length }), (shuffled) => {
      expect(validate(shuffled)).toEqual(expected);
    }),
    { numRuns: 60, seed: 11 },
  );
});

test('a circle is told once, by its shortest way', () => {
  const messages = validate(CORPUS).diagnostics.filter(({ code }) => code === 'PV-032');
  expect(messages.map(({ message }) => message)).toEqual([
    'circle: a-v1 → b-v1 → c-v1 → a-v1',
    'circle: e-v1 → f-v1 → e-v1',
  ]);
});

test('a ring of thousands is told in one short line', () => {
  const ring = Array.from({ length: 3000 }, (_, index) => small(`r${index}-v1`, [`r${(index + 1) % 3000}-v1`]));
  const { diagnostics } = validate(ring);
  const circles = diagnostics.filter(({ code }) => code === 'PV-032');
  expect(circles).toHaveLength(1);
  expect(circles[0]?.message).toMatch(/^circle: r0-v1 → r1-v1 → r2-v1 → r3-v1 → … 2995 more … → r2999-v1 → r0-v1$/);
});

test('circles are exactly the groups that reach each other', () => {
  const graph = fc.array(fc.array(fc.nat(7), { maxLength: 3 }), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(graph, (targets) => {
      const edges = (node: number): readonly number[] => targets[node] ?? [];
      const reach = (from: number): Set<number> => {
        const seen = new Set<number>();
        const queue = [...edges(from)];
        for (const at of queue) if (!seen.has(at)) queue.push(...(seen.add(at), edges(at)));
        return seen;
      };
      const nodes = targets.map((_, node) => node);
      const groupOf = (node: number): string =>
        nodes.filter((other) => reach(node).has(other) && reach(other).has(node)).join();
      const expected = new Set(nodes.filter((node) => reach(node).has(node)).map(groupOf));
      const found = circlesOf(nodes, edges).map((group) => [...group].toSorted((a, b) => a - b).join());
      expect(new Set(found)).toEqual(expected);
      expect(found).toHaveLength(expected.size);
      for (const node of nodes) {
        const round = shortestRound(node, edges);
        expect(round.length > 0).toBe(reach(node).has(node));
        [node, ...round].slice(0, -1).forEach((at, step) => expect(edges(at)).toContain(round[step]));
        if (round.length > 0) expect(round.at(-1)).toBe(node);
      }
    }),
    { numRuns: 300, seed: 13 },
  );
});
