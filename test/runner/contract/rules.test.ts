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

interface Case {
  expected: string[];
  from: string;
  to: string;
  options?: JudgeOptions;
}

/** Inserted behind the clean test. */
const SECOND = (keys: string): { from: string; to: string } => ({
  from: 'kani_harnesses:\n',
  to: `  - ${keys.split('\n').join('\n    ')}\nkani_harnesses:\n`,
});
const OBLIGATION = (keys: string): { from: string; to: string } => ({
  from: 'falsification_tests:\n',
  to: `  - ${keys.split('\n').join('\n    ')}\nfalsification_tests:\n`,
});
const OTHER = (text: string): JudgeOptions => ({ context: { 'contracts/y-v1.yaml': text } });
const MINIMAL = 'metadata: {version: "1.0.0", description: d, references: [r], kind: schema}\n';

const CASES: Record<string, Case> = {
  'no references': { expected: ['SCHEMA-001 error 4:3'], from: '["A paper (2017)"]', to: '[]' },
  'references missing': { expected: ['SCHEMA-001 error 1:1'], from: '  references: ["A paper (2017)"]\n', to: '' },
  'empty version': { expected: ['SCHEMA-002 error 2:3'], from: '"1.0.0"', to: '""' },
  'no equation': {
    expected: ['SCHEMA-003 error 6:1', 'PV-030 error 17:15'],
    from: '\n  scale:\n    formula: "y = a x"\n',
    to: ' {}\n',
  },
  'empty formula': { expected: ['SCHEMA-004 error 8:5'], from: '"y = a x"', to: '""' },
  'empty property': { expected: ['SCHEMA-005 error 12:5'], from: '"close to the reference"', to: '" "' },
  'same formal text': {
    expected: ['SCHEMA-006 warning 16:13'],
    ...OBLIGATION('type: bound\nproperty: p\nformal: "|y - r| <= b"'),
  },
  'same test id': { expected: ['SCHEMA-007 error 23:9'], ...SECOND('id: FALSIFY-X-001\nprediction: p\nif_fails: q') },
  'empty prediction': { expected: ['SCHEMA-008 error 17:5'], from: '"no output differs"', to: '""' },
  'missing prediction': { expected: ['SCHEMA-008 error 15:5'], from: '    prediction: "no output differs"\n', to: '' },
  'empty if_fails': { expected: ['SCHEMA-009 warning 18:5'], from: '"the scale is wrong"', to: '' },
  'same harness id': {
    expected: ['SCHEMA-010 error 27:9'],
    from: 'qa_gate:',
    to: '  - id: KANI-X-001\n    obligation: OB-1\n    bound: 1\nqa_gate:',
  },
  'harness without obligation': { expected: ['SCHEMA-011 error 25:5'], from: 'obligation: OB-1', to: 'obligation:' },
  'harness without bound': { expected: ['SCHEMA-012 warning 24:5'], from: '    bound: 8\n', to: '' },
  'no gate': {
    expected: ['SCHEMA-013 warning 1:1'],
    from: 'qa_gate:\n  id: F-X-001\n  checks: [FALSIFY-X-001]\n',
    to: '',
  },
  'requires on a bound': {
    expected: ['SCHEMA-014 error 13:5'],
    from: '    formal: "|y - r| <= b"',
    to: '    requires: x > 0',
  },
  'phase on a bound': {
    expected: ['SCHEMA-015 error 13:5'],
    from: '    formal: "|y - r| <= b"',
    to: '    applies_to_phase: a',
  },
  'parent on a bound': {
    expected: ['SCHEMA-016 error 13:5'],
    from: '    formal: "|y - r| <= b"',
    to: '    parent_contract: y-v1',
  },
  'parent not among dependencies': {
    expected: ['SCHEMA-017 error 12:22'],
    from: 'type: bound\n    property: "close to the reference"\n    formal: "|y - r| <= b"',
    to: 'type: subcontract\n    parent_contract: y-v1\n    property: p',
  },
  'kind at the top': { expected: ['SCHEMA-018 error 1:1'], from: 'metadata:\n', to: 'kind: schema\nmetadata:\n' },
  'misspelt section': { expected: ['SCHEMA-019 error 27:1'], from: 'qa_gate:', to: 'QA-gates: []\nqa_gate:' },
  'slip in a section': {
    expected: ['SCHEMA-019 error 27:1'],
    from: 'qa_gate:',
    to: 'falsificaton_tests: []\nqa_gate:',
  },
  'duplicate key': {
    expected: ['SCHEMA-020 error 9:5'],
    from: '"y = a x"\n',
    to: '"y = a x"\n    formula: "y = b x"\n',
  },
  'not applicable without reason': {
    expected: ['SCHEMA-021 error 13:17'],
    from: '    formal: "|y - r| <= b"',
    to: '    applies_to: not_applicable\n    na_owner: me',
  },
  'not applicable without owner': {
    expected: ['SCHEMA-022 error 13:17'],
    from: '    formal: "|y - r| <= b"',
    to: '    applies_to: not_applicable\n    na_reason: r',
  },
  'reason on what applies': {
    expected: ['SCHEMA-023 error 13:5'],
    from: '    formal: "|y - r| <= b"',
    to: '    na_reason: r',
  },
  'a number for a version': { expected: ['PV-003 error 2:12', 'PV-006 warning 2:12'], from: '"1.0.0"', to: '1.0' },
  'a text for a number': { expected: ['PV-003 error 26:12'], from: 'bound: 8', to: 'bound: "8"' },
  'a text for a list': { expected: ['PV-003 error 29:11'], from: '[FALSIFY-X-001]\n', to: 'all of them\n' },
  'an unknown level': {
    expected: ['PV-004 error 19:21'],
    from: '    binds_to: scale',
    to: '    required_level: FUNCTIONL\n    binds_to: scale',
  },
  'an unknown executor': {
    expected: ['PV-004 error 19:22'],
    from: '    binds_to: scale',
    to: '    executors: [cpu, gpu]\n    binds_to: scale',
  },
  'a bar without basis': { expected: ['PV-005 error 20:10'], from: ', basis: "exact"', to: '' },
  'no metadata': { expected: ['PV-005 error 1:1'], from: CLEAN.slice(0, CLEAN.indexOf('equations')), to: '' },
  'a version that cannot be moved': { expected: ['PV-006 warning 2:12'], from: '"1.0.0"', to: '"first"' },
  'no description': { expected: ['PV-007 warning 3:3'], from: '"A clean contract"', to: '""' },
  'an unknown key': { expected: ['PV-010 warning 9:5'], from: '"y = a x"\n', to: '"y = a x"\n    colour: red\n' },
  'an unknown key at the top': { expected: ['PV-010 warning 27:1'], from: 'qa_gate:', to: 'sections: []\nqa_gate:' },
  'a slip where a verdict hangs on it': {
    expected: ['PV-010 error 19:5'],
    from: '    binds_to: scale',
    to: '    executers: [webgpu]\n    binds_to: scale',
  },
  'claims where nothing runs them': {
    expected: ['PV-011 warning 27:1'],
    from: 'qa_gate:',
    to: 'gates: [{id: G-1, verdict: pass}]\nqa_gate:',
  },
  'an id of another contract': {
    expected: ['PV-020 error 15:9'],
    from: 'depends_on: []',
    to: 'depends_on: []',
    options: OTHER(`${MINIMAL}falsification_tests: [{id: FALSIFY-X-001, prediction: p, if_fails: q}]`),
  },
  'an obligation id twice': { expected: ['PV-020 error 14:9'], ...OBLIGATION('id: OB-1\nproperty: p') },
  'an id that was withdrawn': {
    expected: ['PV-021 error 15:9'],
    from: 'qa_gate:',
    to: 'retired: [{id: FALSIFY-X-001, reason: wrong}]\nqa_gate:',
  },
  'an id that was withdrawn elsewhere': {
    expected: ['PV-021 error 15:9'],
    from: 'depends_on: []',
    to: 'depends_on: []',
    options: OTHER(`${MINIMAL}retired: [{id: FALSIFY-X-001, reason: wrong}]`),
  },
  'a test without id': { expected: ['PV-022 warning 23:5'], ...SECOND('prediction: p\nif_fails: q') },
  'a file name without version': {
    expected: ['PV-023 error 1:1'],
    from: 'depends_on: []',
    to: 'depends_on: []',
    options: { path: 'contracts/x.yaml', modules: { x: `'FALSIFY-X-001': 'scale-doubled'` } },
  },
  'an unknown equation': { expected: ['PV-030 error 19:15'], from: 'binds_to: scale', to: 'binds_to: sclae' },
  'an unknown contract': { expected: ['PV-031 error 5:16'], from: 'depends_on: []', to: 'depends_on: [y-v1]' },
  itself: { expected: ['PV-032 error 5:16'], from: 'depends_on: []', to: 'depends_on: [x-v1]' },
  'a circle': {
    expected: ['PV-032 error 5:22'],
    from: 'depends_on: []',
    to: 'depends_on: [z-v2, y-v1]',
    options: {
      context: {
        'contracts/y-v1.yaml': MINIMAL.replace('kind', 'depends_on: [x], kind'),
        'contracts/z-v2.yaml': MINIMAL,
      },
    },
  },
  'no module': {
    expected: ['PV-040 error 15:9'],
    from: 'depends_on: []',
    to: 'depends_on: []',
    options: { modules: {} },
  },
  'a module that is named and missing': {
    expected: ['PV-040 error 19:16'],
    from: '    binds_to: scale',
    to: '    falsifier: other-v1\n    binds_to: scale',
  },
  'a module without the claim': {
    expected: ['PV-041 error 15:9'],
    from: 'depends_on: []',
    to: 'depends_on: []',
    options: { modules: { 'x-v1': `'FALSIFY-X-0011': 1, 'scale-doubled'` } },
  },
  'a module without the fault': {
    expected: ['PV-042 error 21:14'],
    from: 'depends_on: []',
    to: 'depends_on: []',
    options: { modules: { 'x-v1': `'FALSIFY-X-001': 'scale-doubled-twice'` } },
  },
  'no bar': {
    expected: ['PV-050 error 15:9'],
    from: '    bar: {metric: wrong, comparator: "<=", threshold: 0, unit: outputs, basis: "exact"}\n',
    to: '',
  },
  'a bar that nothing fails': {
    expected: ['PV-051 warning 20:55'],
    from: '"<=", threshold: 0',
    to: '">=", threshold: 0',
  },
  'a bar that rounding fails': {
    expected: ['PV-051 warning 20:55'],
    from: '"<=", threshold: 0',
    to: '"==", threshold: 0.1',
  },
  'a bar that compares with nothing': { expected: ['PV-003 error 20:55'], from: 'threshold: 0', to: 'threshold: .nan' },
  'no reason why no oracle': {
    expected: ['PV-052 error 22:22'],
    from: ', reason: "nothing outside computes it"',
    to: '',
  },
  'a status that is no level': {
    expected: ['PV-053 warning 19:13'],
    from: '    binds_to: scale',
    to: '    status: DISCHARGD\n    binds_to: scale',
  },
  'a test of its own file': {
    expected: ['PV-054 warning 19:11'],
    from: '    binds_to: scale',
    to: '    test: "pv validate contracts/x-v1.yaml exits 0"\n    binds_to: scale',
  },
  'a command on its own file': {
    expected: ['PV-054 warning 19:10'],
    from: '    binds_to: scale',
    to: '    run: [pv, validate, contracts/x-v1.yaml]\n    binds_to: scale',
  },
  'no fault': { expected: ['PV-055 warning 15:9'], from: '[scale-doubled]', to: '[]' },
  'a summary that differs': {
    expected: ['PV-056 warning 27:43', 'PV-056 warning 27:54'],
    from: 'qa_gate:',
    to: 'verification_summary: {total_obligations: 4, tested: 9}\nqa_gate:',
  },
  'a level above the evidence': {
    expected: ['LVL-001 error 19:13'],
    from: '    binds_to: scale',
    to: '    status: discharged\n    binds_to: scale',
    options: { deriveLevel: () => ({ level: 'PARTIAL_ALGORITHM_LEVEL', cause: 'live part not run' }) },
  },
};

describe('one break, one finding', () => {
  test.each(Object.entries(CASES))('%s', (_, { expected, from, to, options }) => {
    expect(briefly(broken(CLEAN, from, to), options)).toEqual(expected);
  });

  test('every code but those about unreadable files has a case', () => {
    const seen = new Set(Object.values(CASES).flatMap(({ expected }) => expected.map((line) => line.split(' ')[0])));
    const missing = Object.keys(CODE_TITLES).filter((code) => !seen.has(code));
    expect(missing).toEqual(['PV-001', 'PV-002']);
  });
});

describe('what a finding says', () => {
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

test('a small catalogue fault is found by its parts, a black-box check needs no module', () => {
  const source = broken(CLEAN, '[scale-doubled]', '[R1-small]');
  expect(briefly(source, { modules: { 'x-v1': `'FALSIFY-X-001': [plant('R1', 'small')]` } })).toEqual([]);
  expect(briefly(source, { modules: { 'x-v1': `'FALSIFY-X-001': [plant('R1', 'gross')]` } })).toHaveLength(1);
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
