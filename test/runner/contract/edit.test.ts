// Edits of a contract by hand; the search over layouts is FALSIFY-EVID-006.
import { describe, expect, test } from 'vitest';
import { applyEdits, type ContractEdit } from '../../../src/runner/contract/edit.ts';
import type { EvidenceEntry } from '../../../src/runner/contract/model.ts';

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
