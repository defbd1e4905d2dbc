// Each rule fires on the smallest break of a clean contract, at the place of the break, and nothing else does.
import { describe, expect, test } from 'vitest';
import { CODE_TITLES, readContractText } from '../../../src/runner/contract/index.ts';
import { brief, briefly, broken, CLEAN, judge, type JudgeOptions } from './judge.ts';

test('the clean contract has no finding, and every link of it resolves', () => {
  const { diagnostics, counts, links, claimCount, boundClaimCount } = judge(CLEAN);
  expect(diagnostics).toEqual([]);
  expect(counts).toEqual({ errors: 0, warnings: 0 });
  expect({ claimCount, boundClaimCount }).toEqual({ claimCount: 1, boundClaimCount: 1 });
  for (const { resolved, total } of Object.values(links)) expect(resolved).toBe(total);
});

type Change = readonly [from: string, to: string];
type Case = readonly [expected: string, change: Change, options?: JudgeOptions];

const indented = (keys: string): string => keys.replaceAll('\n', '\n    ');
/** Inserted behind the clean test. */
const second = (keys: string): Change => ['kani_harnesses:\n', `  - ${indented(keys)}\nkani_harnesses:\n`];
const obligation = (keys: string): Change => [
  'falsification_tests:\n',
  `  - ${indented(keys)}\nfalsification_tests:\n`,
];
/** Among the keys of the clean test; in the place of its bound's formula; at the top. */
const claimKey = (keys: string): Change => ['    binds_to: scale', `    ${indented(keys)}\n    binds_to: scale`];
const boundKeys = (keys: string): Change => ['    formal: "|y - r| <= b"', `    ${indented(keys)}`];
const section = (text: string): Change => ['qa_gate:', `${text}\nqa_gate:`];
const evidence = (digest: string): string => `algorithm_evidence: {receipt: a, digest: ${digest}, figure: b}`;
const NO_TESTS: Change = [
  CLEAN.slice(CLEAN.indexOf('falsification_tests'), CLEAN.indexOf('kani_harnesses')),
  'falsification_tests: []\n',
];
const NONE: Change = ['depends_on: []', 'depends_on: []'];
const OTHER = (text: string): JudgeOptions => ({ context: { 'contracts/y-v1.yaml': text } });
const MINIMAL = 'metadata: {version: "1.0.0", description: d, references: [r], kind: schema}\n';

// An empty expectation: the change is allowed.
const CASES: Record<string, Case> = {
  'no references': ['SCHEMA-001 error 4:3', ['["A paper (2017)"]', '[]']],
  'references missing': ['SCHEMA-001 error 1:1', ['  references: ["A paper (2017)"]\n', '']],
  'empty version': ['SCHEMA-002 error 2:3', ['"1.0.0"', '""']],
  'no equation': ['SCHEMA-003 error 6:1, PV-030 error 17:15', ['\n  scale:\n    formula: "y = a x"\n', ' {}\n']],
  'empty formula': ['SCHEMA-004 error 8:5', ['"y = a x"', '""']],
  'empty property': ['SCHEMA-005 error 12:5', ['"close to the reference"', '" "']],
  'same formal text': [
    'SCHEMA-006 warning 16:13',
    obligation('type: bound\nproperty: close again\nformal: "|y - r| <= b"'),
  ],
  'same test id': ['SCHEMA-007 error 23:9', second('id: FALSIFY-X-001\nprediction: p\nif_fails: q')],
  'empty prediction': ['SCHEMA-008 error 17:5', ['"no output differs"', '""']],
  'missing prediction': ['SCHEMA-008 error 15:5', ['    prediction: "no output differs"\n', '']],
  'empty if_fails': ['SCHEMA-009 warning 18:5', ['"the scale is wrong"', '']],
  'same harness id': ['SCHEMA-010 error 27:9', section('  - id: KANI-X-001\n    obligation: OB-1\n    bound: 1')],
  'harness without obligation': ['SCHEMA-011 error 25:5', ['obligation: OB-1', 'obligation:']],
  'harness without bound': ['SCHEMA-012 warning 24:5', ['    bound: 8\n', '']],
  'no gate': ['SCHEMA-013 warning 1:1', ['qa_gate:\n  id: F-X-001\n  checks: [FALSIFY-X-001]\n', '']],
  'requires on a bound': ['SCHEMA-014 error 13:5', boundKeys('requires: x > 0')],
  'phase on a bound': ['SCHEMA-015 error 13:5', boundKeys('applies_to_phase: a')],
  'parent on a bound': ['SCHEMA-016 error 13:5', boundKeys('parent_contract: y-v1')],
  'parent not among dependencies': [
    'SCHEMA-017 error 12:22',
    [
      'type: bound\n    property: "close to the reference"\n    formal: "|y - r| <= b"',
      'type: subcontract\n    parent_contract: y-v1\n    property: close',
    ],
  ],
  'kind at the top': ['SCHEMA-018 error 1:1', ['metadata:\n', 'kind: schema\nmetadata:\n']],
  'an obligation that no test is about': ['PV-033 warning 14:9', obligation('id: OB-2\nproperty: kept in order')],
  'one that a test names': ['', ['rule: "close"', 'rule: "close, as OB-1 says"']],
  'one that shares its equation with the test': [
    '',
    ['    property: "close to the reference"', '    property: "kept in order"\n    applies_to: scale'],
  ],
  'a harness for nothing': ['PV-034 warning 25:17', ['obligation: OB-1', 'obligation: OB-11']],
  'a harness by property': ['', ['obligation: OB-1', 'obligation: close to the reference']],
  'no claim': ['PV-033 warning 10:9, PV-035 warning 14:1, PV-036 warning 21:12', NO_TESTS],
  'a gate that names nothing': ['PV-036 warning 29:12', ['[FALSIFY-X-001]\n', '[FALSIFY-X-002, "in words"]\n']],
  'a rule that names nothing': [
    'PV-036 warning 28:31',
    section('enforcement:\n  it: {description: d, check: tests::KANI-X-002}'),
  ],
  'a scope that is none': ['PV-037 warning 13:17', boundKeys('applies_to: sclae')],
  'an older home of tests': ['PV-011 error 27:1', section('falsification: ["drop the scale"]')],
  'tests by another name': ['SCHEMA-019 error 27:1', section('checks: [{id: A-1, prediction: p, if_fails: q}]')],
  'tests told by their ids': ['SCHEMA-019 error 27:1', section('cases: [{id: FALSIFY-X-002, test: t}]')],
  'obligations by another name': ['SCHEMA-019 error 27:1', section('properties: [{property: p}]')],
  'harnesses by another name': ['SCHEMA-019 error 27:1', section('kani: [{obligation: OB-1}]')],
  'tests among the metadata': [
    'PV-011 error 6:3',
    ['equations:\n', '  falsification_tests: [{prediction: p, if_fails: q}]\nequations:\n'],
  ],
  'a gate among the metadata': ['PV-011 error 6:3', ['equations:\n', '  qa_gate: {id: F-1}\nequations:\n']],
  'tests below a section that is kept': [
    'PV-011 error 28:3',
    section('summary:\n  falsification_tests: [{prediction: p, if_fails: q}]'),
  ],
  'a merge key': ['PV-012 error 9:5', ['"y = a x"\n', '"y = a x"\n    <<: {domain: x}\n']],
  'a merge key where all is kept': ['PV-012 error 28:3', section('summary:\n  <<: {a: 1}')],
  'a quoted key of that name': ['', section('summary:\n  "<<": {a: 1}')],
  ...Object.fromEntries(
    [
      '12345678',
      '1e5',
      '0123',
      '0x12',
      '123_456',
      '1:30',
      '~',
      'yes',
      'true',
      '2026-01-01',
      '.inf',
      '9'.repeat(64),
    ].map((digest): [string, Case] => [`the digest ${digest}`, ['PV-013 error 19:46', claimKey(evidence(digest))]]),
  ),
  'a digest by the name of its function': ['PV-013 error 27:19', section('formats: {blake3: 12345678}')],
  'a digest elsewhere': ['PV-013 error 27:19', section('formats: {sha256: 12345678}')],
  'a flag, not a digest': ['', section('formats: {checksum: true}')],
  'a digest that is text': ['', claimKey(evidence('sha256:0123456789abcdef'))],
  'a receipt that is a number': ['PV-003 error 19:35', claimKey('algorithm_evidence: {receipt: 1, digest: "a"}')],
  ...Object.fromEntries(
    ['0x10', '0o10', '010', '+1', '1.', '9007199254740993', '1e-400'].map((threshold): [string, Case] => [
      `the threshold ${threshold}`,
      ['PV-014 error 20:55', ['threshold: 0,', `threshold: ${threshold},`]],
    ]),
  ),
  'a threshold as people write it': ['', ['threshold: 0,', 'threshold: 1.5e-3,']],
  'a decimal comma': ['PV-010 error 20:57', ['threshold: 0,', 'threshold: 1,5,']],
  'a bound in octal': ['PV-014 warning 26:12', ['bound: 8', 'bound: 010']],
  'a text that is cut at its #': ['PV-015 warning 17:26', ['"no output differs"', 'no output #1 differs']],
  'a comment': ['', ['"no output differs"', 'no output differs # none']],
  'an id that is a truth value elsewhere': ['PV-016 warning 10:9, PV-034 warning 25:17', ['id: OB-1', 'id: no']],
  'a version without quotes': ['PV-003 error 2:12, PV-006 warning 2:12', ['"1.0.0"', '1.10']],
  'an empty id': [
    'PV-022 error 15:9, PV-041 error 15:9, PV-036 warning 29:12',
    ['id: FALSIFY-X-001\n    rule', 'id: ~\n    rule'],
  ],
  'an id with what cannot be seen': [
    'PV-022 error 15:9, PV-041 error 15:9, PV-036 warning 29:12',
    ['id: FALSIFY-X-001\n    rule', 'id: "FALSIFY-X-001\u200b"\n    rule'],
  ],
  'empty metadata': ['PV-005 error 1:1', [CLEAN.slice(0, CLEAN.indexOf('equations')), 'metadata:\n']],
  'an equation twice in a list': [
    'PV-020 error 8:10',
    ['  scale:\n    formula: "y = a x"\n', '  - {id: scale, formula: y}\n  - {id: scale, formula: z}\n'],
  ],
  'a withdrawn id twice': ['PV-020 error 27:36', section('retired: [{id: A, reason: b}, {id: A, reason: b}]')],
  'misspelt section': ['SCHEMA-019 error 27:1', section('QA-gates: []')],
  'slip in a section': ['SCHEMA-019 error 27:1', section('falsificaton_tests: []')],
  'duplicate key': ['SCHEMA-020 error 9:5', ['"y = a x"\n', '"y = a x"\n    formula: "y = b x"\n']],
  'not applicable without reason': ['SCHEMA-021 error 13:17', boundKeys('applies_to: not_applicable\nna_owner: me')],
  'not applicable without owner': ['SCHEMA-022 error 13:17', boundKeys('applies_to: not_applicable\nna_reason: r')],
  'reason on what applies': ['SCHEMA-023 error 13:5', boundKeys('na_reason: r')],
  'a map for a formula': ['PV-003 error 8:14', ['"y = a x"', '{x | x > 0}']],
  'a list for an obligation': ['PV-003 error 25:17', ['obligation: OB-1', 'obligation: [OB-1]']],
  'a number for a version': ['PV-003 error 2:12, PV-006 warning 2:12', ['"1.0.0"', '1.0']],
  'a text for a number': ['PV-003 error 26:12', ['bound: 8', 'bound: "8"']],
  'a text for a list': ['PV-003 error 29:11', ['[FALSIFY-X-001]\n', 'all of them\n']],
  'an unknown level': ['PV-004 error 19:21', claimKey('required_level: FUNCTIONL')],
  'an unknown executor': ['PV-004 error 19:22', claimKey('executors: [cpu, gpu]')],
  'a bar without basis': ['PV-005 error 20:10', [', basis: "exact"', '']],
  'no metadata': ['PV-005 error 1:1', [CLEAN.slice(0, CLEAN.indexOf('equations')), '']],
  'a version that cannot be moved': ['PV-006 warning 2:12', ['"1.0.0"', '"first"']],
  'no description': ['PV-007 warning 3:3', ['"A clean contract"', '""']],
  'an unknown key': ['PV-010 warning 9:5', ['"y = a x"\n', '"y = a x"\n    colour: red\n']],
  'an unknown key at the top': ['PV-010 warning 27:1', section('sections: []')],
  'a slip where a verdict hangs on it': ['PV-010 error 19:5', claimKey('executers: [webgpu]')],
  'claims where nothing runs them': ['PV-011 warning 27:1', section('gates: [{id: G-1, verdict: pass}]')],
  'an id of another contract': [
    'PV-020 error 15:9',
    NONE,
    OTHER(`${MINIMAL}falsification_tests: [{id: FALSIFY-X-001, prediction: p, if_fails: q}]`),
  ],
  'an obligation id twice': ['PV-020 error 14:9', obligation('id: OB-1\nproperty: close again')],
  'an id that was withdrawn': ['PV-021 error 15:9', section('retired: [{id: FALSIFY-X-001, reason: wrong}]')],
  'an id that was withdrawn elsewhere': [
    'PV-021 error 15:9',
    NONE,
    OTHER(`${MINIMAL}retired: [{id: FALSIFY-X-001, reason: wrong}]`),
  ],
  'a test without id': ['PV-022 warning 23:5', second('prediction: p\nif_fails: q')],
  'a file name without version': [
    'PV-023 error 1:1',
    NONE,
    { path: 'contracts/x.yaml', modules: { x: `'FALSIFY-X-001': 'scale-doubled'` } },
  ],
  'an unknown equation': ['PV-030 error 19:15', ['binds_to: scale', 'binds_to: sclae']],
  'an unknown contract': ['PV-031 error 5:16', ['depends_on: []', 'depends_on: [y-v1]']],
  itself: ['PV-032 error 5:16', ['depends_on: []', 'depends_on: [x-v1]']],
  'a circle': [
    'PV-032 error 5:22',
    ['depends_on: []', 'depends_on: [z-v2, y-v1]'],
    {
      context: {
        'contracts/y-v1.yaml': MINIMAL.replace('kind', 'depends_on: [x], kind'),
        'contracts/z-v2.yaml': MINIMAL,
      },
    },
  ],
  'no module': ['PV-040 error 15:9', NONE, { modules: {} }],
  'a module that is named and missing': ['PV-040 error 19:16', claimKey('falsifier: other-v1')],
  'a module without the claim': [
    'PV-041 error 15:9',
    NONE,
    { modules: { 'x-v1': `'FALSIFY-X-0011': 1, 'scale-doubled'` } },
  ],
  'a module without the fault': [
    'PV-042 error 21:14',
    NONE,
    { modules: { 'x-v1': `'FALSIFY-X-001': 'scale-doubled-twice'` } },
  ],
  'no bar': [
    'PV-050 error 15:9',
    ['    bar: {metric: wrong, comparator: "<=", threshold: 0, unit: outputs, basis: "exact"}\n', ''],
  ],
  'a bar that nothing fails': ['PV-051 warning 20:55', ['"<=", threshold: 0', '">=", threshold: 0']],
  'a bar that rounding fails': ['PV-051 warning 20:55', ['"<=", threshold: 0', '"==", threshold: 0.1']],
  'a bar that compares with nothing': ['PV-003 error 20:55', ['threshold: 0', 'threshold: .nan']],
  'no reason why no oracle': ['PV-052 error 22:22', [', reason: "nothing outside computes it"', '']],
  'a status that is no level': ['PV-053 warning 19:13', claimKey('status: DISCHARGD')],
  'a test of its own file': ['PV-054 warning 19:11', claimKey('test: "pv validate contracts/x-v1.yaml exits 0"')],
  'a command on its own file': ['PV-054 warning 19:10', claimKey('run: [pv, validate, contracts/x-v1.yaml]')],
  'no fault': ['PV-055 warning 15:9', ['[scale-doubled]', '[]']],
  'a summary that differs': [
    'PV-056 warning 27:43, PV-056 warning 27:54',
    section('verification_summary: {total_obligations: 4, tested: 9}'),
  ],
  'a level above the evidence': [
    'LVL-001 error 19:13',
    claimKey('status: discharged'),
    { deriveLevel: () => ({ level: 'PARTIAL_ALGORITHM_LEVEL', cause: 'live part not run' }) },
  ],
};

describe('one break, one finding', () => {
  test.each(Object.entries(CASES))('%s', (_, [expected, change, options]) => {
    expect(briefly(broken(CLEAN, ...change), options).join(', ')).toBe(expected);
  });

  test('every code but those about unreadable files has a case', () => {
    const seen = new Set(Object.values(CASES).flatMap(([expected]) => expected.match(/[A-Z]+-\d+/g) ?? []));
    const missing = Object.keys(CODE_TITLES).filter((code) => !seen.has(code));
    // PV-024 is about files that are no contracts.
    expect(missing).toEqual(['PV-001', 'PV-002', 'PV-024']);
  });
});

describe('what a finding says', () => {
  test('a check in words is no link', () => {
    const { links } = judge(broken(CLEAN, '[FALSIFY-X-001]\n', '[FALSIFY-X-001, "in words", FALSIFY-X-002]\n'));
    expect(links.check).toEqual({ resolved: 1, total: 2 });
  });

  test('names what was meant', () => {
    const [finding] = judge(broken(CLEAN, 'binds_to: scale', 'binds_to: sclae')).diagnostics;
    expect(finding?.didYouMean).toBe('scale');
    const [key] = judge(broken(CLEAN, 'qa_gate:', 'KaniHarness: []\nqa_gate:')).diagnostics;
    expect(key).toMatchObject({ code: 'SCHEMA-019', didYouMean: 'kani_harnesses', endColumn: 12 });
  });

  test('shows the other place of what stands twice', () => {
    const [finding] = judge(broken(CLEAN, '"y = a x"\n', '"y = a x"\n    formula: "z"\n')).diagnostics;
    expect(finding?.related).toMatchObject({ file: 'contracts/x-v1.yaml', line: 8, column: 5 });
  });

  test('says why an undeclared kind is judged as kernel', () => {
    const source = broken(CLEAN, '\n  scale:\n    formula: "y = a x"\n', ' {}\n');
    expect(judge(source).diagnostics[0]?.message).toContain('no metadata.kind');
    const declared = broken(source, '  depends_on: []', '  kind: kernel');
    expect(judge(declared).diagnostics[0]?.message).not.toContain('no metadata.kind');
    const schema = broken(source, '  depends_on: []', '  kind: schema');
    expect(judge(schema).diagnostics.map(brief)).toEqual(['PV-030 error 17:15']);
  });

  test('words the levels that differ', () => {
    const source = broken(CLEAN, '    binds_to: scale', '    status: DISCHARGED\n    binds_to: scale');
    const deriveLevel: JudgeOptions['deriveLevel'] = () => ({ level: 'PARTIAL_ALGORITHM_LEVEL', cause: 'not run' });
    expect(judge(source, { deriveLevel }).diagnostics[0]?.message).toBe(
      'FALSIFY-X-001 claims DISCHARGED, evidence supports PARTIAL (not run)',
    );
    expect(judge(source, { deriveLevel: () => ({ level: 'DISCHARGED', cause: '' }) }).diagnostics).toEqual([]);
  });
});

test('a small fault is not the gross one, a black-box check needs no module', () => {
  const source = broken(CLEAN, '[scale-doubled]', '[R1-small]');
  expect(briefly(source, { modules: { 'x-v1': `'FALSIFY-X-001': known(FAULTS, 'R1 R1-small')` } })).toEqual([]);
  expect(briefly(source, { modules: { 'x-v1': `'FALSIFY-X-001': known(FAULTS, 'R1')` } })).toHaveLength(1);
  expect(briefly(broken(CLEAN, '    binds_to', '    run: [apr, --help]\n    binds_to'), { modules: {} })).toEqual([]);
});

test.each([
  ['a binding registry', 'bindings: []\ntarget_crate: x\n', 'a binding registry'],
  ['some other file', 'services: {}\n', 'some other YAML file'],
  ['a list', '- 1\n', 'a list'],
  ['nothing', '# only a comment\n', 'an empty file'],
])('%s is recognised and not judged', (_, source, what) => {
  expect(readContractText('a.yaml', source)).toEqual({ kind: 'other', path: 'a.yaml', what });
});
