import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyEdits, type ContractEdit } from '../../../src/runner/contract/edit.ts';
import type { EvidenceEntry } from '../../../src/runner/contract/model.ts';
import { styledEdits } from '../../../falsifiers/evidence-integrity-v1/styles.ts';
import { readYaml } from '../../../src/runner/contract/read-yaml.ts';
import { toValue, type JsonValue } from '../../../src/runner/contract/yaml-node.ts';

const PLAIN = `# header
metadata:
  version: "1.0.0"   # ours
  references: [a, 'b']
  changelog:
    - '1.0.0: first'
    # newest last

falsification_tests:
  # about 001
  - id: FALSIFY-X-001
    prediction: y <= 1.0e-6  # number spelling stays
    if_fails: rounding   # why

  # about 002
  - id: FALSIFY-X-002
    if_fails: >
      first line

      second
    status: 'PLANNED'
    algorithm_evidence:
      - "a sentence"
  - {id: FALSIFY-X-003, if_fails: "x, y"}
`;

const ENTRY: EvidenceEntry = {
  receipt: 'evidence/x/FALSIFY-X-001/cpu.x64.json',
  digest: 'sha256:00ff',
  figure: 'ρ 0.3',
};

function valueOf(text: string): JsonValue {
  const { root, problems } = readYaml(text);
  expect(problems).toEqual([]);
  return root === undefined ? null : toValue(root);
}

describe('one edit', () => {
  test('a new status stands below if_fails, in the indentation of its item', () => {
    const text = applyEdits(PLAIN, [{ kind: 'status', id: 'FALSIFY-X-001', status: 'FUNCTIONAL' }]);
    expect(text).toBe(PLAIN.replace('rounding   # why\n', 'rounding   # why\n    status: FUNCTIONAL\n'));
  });

  test('a status that is there keeps its quotes', () => {
    const text = applyEdits(PLAIN, [{ kind: 'status', id: 'FALSIFY-X-002', status: 'DISCHARGED' }]);
    expect(text).toBe(PLAIN.replace("'PLANNED'", "'DISCHARGED'"));
  });

  test('a flow item stays a flow item', () => {
    const edits: ContractEdit[] = [
      { kind: 'status', id: 'FALSIFY-X-003', status: 'FUNCTIONAL' },
      { kind: 'evidence', id: 'FALSIFY-X-003', key: 'functional_evidence', entries: [ENTRY] },
    ];
    const written = `{receipt: ${ENTRY.receipt}, digest: sha256:00ff, figure: "ρ 0.3"}`;
    expect(applyEdits(PLAIN, edits)).toBe(
      PLAIN.replace('"x, y"}', `"x, y", status: FUNCTIONAL, functional_evidence: ${written}}`),
    );
  });

  test('one entry is a map, several are a list, and prose gives way', () => {
    const edit = { kind: 'evidence', id: 'FALSIFY-X-002', key: 'algorithm_evidence' } as const;
    const one = applyEdits(PLAIN, [{ ...edit, entries: [ENTRY] }]);
    const map = `      receipt: ${ENTRY.receipt}\n      digest: sha256:00ff\n      figure: "ρ 0.3"\n`;
    expect(one).toBe(PLAIN.replace('      - "a sentence"\n', map));
    const two = applyEdits(one, [{ ...edit, entries: [ENTRY, { ...ENTRY, figure: 'b' }] }]);
    expect(two).toContain(
      `      - receipt: ${ENTRY.receipt}\n        digest: sha256:00ff\n        figure: "ρ 0.3"\n      - rec`,
    );
  });

  test('a moved digest changes that word alone', () => {
    const edit = { kind: 'evidence', id: 'FALSIFY-X-001', key: 'discharge_evidence' } as const;
    const text = applyEdits(PLAIN, [{ ...edit, entries: [ENTRY] }]).replace('00ff', '00ff # hand-made remark');
    const moved = applyEdits(text, [{ ...edit, entries: [{ ...ENTRY, digest: 'sha256:11ee' }] }]);
    expect(moved).toBe(text.replace('sha256:00ff', 'sha256:11ee'));
  });

  test('evidence without entries goes with its line', () => {
    const edit = { kind: 'evidence', id: 'FALSIFY-X-002', key: 'algorithm_evidence', entries: [] } as const;
    expect(applyEdits(PLAIN, [edit])).toBe(PLAIN.replace('    algorithm_evidence:\n      - "a sentence"\n', ''));
    expect(applyEdits(PLAIN, [{ ...edit, id: 'FALSIFY-X-001' }])).toBe(PLAIN);
  });

  test('the version keeps its quotes and its comment', () => {
    const text = applyEdits(PLAIN, [{ kind: 'version', version: '1.1.0' }]);
    expect(text).toBe(PLAIN.replace('"1.0.0"', '"1.1.0"'));
    const bare = applyEdits(PLAIN.replace('"1.0.0"', '1.0.0'), [{ kind: 'version', version: '2.0.0' }]);
    expect(bare).toContain('  version: 2.0.0   # ours\n');
  });

  test('the changelog grows by one item in the quoting of its last one, once', () => {
    const edits: ContractEdit[] = [{ kind: 'changelog', line: "1.1.0: it's new" }];
    const text = applyEdits(PLAIN, edits);
    expect(text).toBe(PLAIN.replace("first'\n", "first'\n    - '1.1.0: it''s new'\n"));
    expect(applyEdits(text, edits)).toBe(text);
  });

  test.each([
    ['absent', 'metadata:\n  version: 1.0.0\n', 'metadata:\n  version: 1.0.0\n  changelog:\n    - "a: b"\n'],
    [
      'empty',
      'metadata:\n  changelog:  # c\n  version: 1.0.0',
      'metadata:\n  changelog:  # c\n    - "a: b"\n  version: 1.0.0',
    ],
    ['an empty flow list', 'metadata:\n  changelog: []\n', 'metadata:\n  changelog: ["a: b"]\n'],
    ['a flow list', 'metadata: {changelog: [x]}', 'metadata: {changelog: [x, "a: b"]}'],
    [
      'a text',
      'metadata:\n  changelog: |\n    old\n  x: 1\n',
      'metadata:\n  changelog: |\n    old\n    a: b\n  x: 1\n',
    ],
  ])('a changelog that is %s', (_, source, expected) => {
    expect(applyEdits(source, [{ kind: 'changelog', line: 'a: b' }])).toBe(expected);
  });

  test.each([
    ['an unknown id', PLAIN, { kind: 'status', id: 'NO-SUCH', status: 'NONE' }],
    ['aliases', PLAIN.replace('[a,', '[&a a, *a,'), { kind: 'version', version: '2.0.0' }],
    [
      'a changelog of no known form',
      PLAIN.replace('changelog:', 'changelog: {}\n  c:'),
      { kind: 'changelog', line: 'x' },
    ],
    ['a broken file', 'metadata: [', { kind: 'version', version: '2.0.0' }],
  ] satisfies [string, string, ContractEdit][])('%s is refused with a typed error', (_, source, edit) => {
    expect(() => applyEdits(source, [edit])).toThrow(expect.objectContaining({ code: 'E_CONTRACT_EDIT' }));
  });
});

/** The lines that both texts have, in order, from the front and from the back. */
function changedRegion(before: string, after: string): { removed: string; added: string } {
  let front = 0;
  while (front < before.length && before[front] === after[front]) front += 1;
  let back = 0;
  while (back < Math.min(before.length, after.length) - front && before.at(-1 - back) === after.at(-1 - back))
    back += 1;
  return { removed: before.slice(front, before.length - back), added: after.slice(front, after.length - back) };
}

describe('any edit of any layout', () => {
  test('changes one region, reads back, keeps every comment outside it, and is idempotent', () => {
    fc.assert(
      fc.property(styledEdits, ({ contract: { text, isCrlf }, edit }) => {
        // Reading back and "no other value moved" are checked by applyEdits itself, which throws otherwise.
        const edited = applyEdits(text, [edit]);
        expect(applyEdits(edited, [edit])).toBe(edited);
        valueOf(edited);
        const { removed, added } = changedRegion(text, edited);
        if (isCrlf && text.includes('\n')) expect(added.replaceAll('\r\n', '')).not.toContain('\n');
        // Only text that belongs to the key that is edited may go.
        if (edit.kind === 'version') expect(removed).toMatch(/^[0-9.]*$/);
        if (edit.kind === 'changelog') expect(removed).toBe('');
        if (edit.kind === 'status') expect(removed).not.toMatch(/[\n#:]\s*[a-z_]+:/);
        if (edit.kind === 'evidence' && edit.entries.length > 0)
          expect(removed).not.toMatch(/if_fails|status: *['"]|T-/);
      }),
      { numRuns: 1500, seed: 7 },
    );
  });

  test('the contract says what the edit said', () => {
    fc.assert(
      fc.property(styledEdits, ({ contract: { text }, edit }) => {
        const value = valueOf(applyEdits(text, [edit])) as Record<string, Record<string, JsonValue>[]>;
        if (edit.kind === 'status') {
          const item = value['falsification_tests']?.find((candidate) => candidate['id'] === edit.id);
          expect(item?.['status']).toBe(edit.status);
        }
        if (edit.kind === 'changelog') {
          const log = (value['metadata'] as unknown as Record<string, JsonValue>)['changelog'];
          expect(Array.isArray(log) ? log.at(-1) : (log as string).trimEnd().split('\n').at(-1)).toBe(edit.line);
        }
      }),
      { numRuns: 500, seed: 8 },
    );
  });
});
