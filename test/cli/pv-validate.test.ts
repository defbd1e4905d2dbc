// What `pv validate` says at its end, and of files that lie among contracts and are none: nothing vanishes unsaid.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ToyProject } from '../runner/toys/toy-project.ts';

let project: ToyProject;
beforeEach(() => {
  project = new ToyProject();
});
afterEach(() => project.close());

const HEAD = `metadata: {version: "1.0.0", description: d, references: [r], kind: pattern}\n`;
const TEST = `{id: FALSIFY-U-001, rule: kept, prediction: p, if_fails: q}`;

/** Exit code, and the lines that begin with a severity and the last one. */
async function validate(file: string, text: string): Promise<{ exitCode: number; lines: string[] }> {
  project.write(file, text);
  const { exitCode, stdout } = await project.pv(['validate', file, '--format', 'plain']);
  const lines = stdout.split('\n');
  return { exitCode, lines: [...lines.filter((line) => line.startsWith('[')), lines.at(-1) ?? ''] };
}

test('what no test is about is named, and counted in the last line', async () => {
  const { exitCode, lines } = await validate(
    'contracts/u-v1.yaml',
    `${HEAD}proof_obligations:
  - {id: U-1, property: kept}
  - {id: U-2, property: in order}
  - {property: finite, type: bound}
falsification_tests: [${TEST}]
kani_harnesses: [{id: KANI-U-001, obligation: U-3, bound: 1}]
`,
  );
  expect(exitCode).toBe(0);
  expect(lines).toEqual([
    '[WARN] PV-033: U-2 ("in order") has no falsification test: none names its id, or has its property as rule (4:10)',
    '[WARN] PV-033: u-v1#bound-1 ("finite") has no falsification test: none names its id, or has its property as rule (5:5)',
    '[WARN] PV-034: KANI-U-001 is a harness for obligation "U-3"; the file has no such obligation; did you mean \'U-1\'? (7:47)',
    expect.stringMatching(
      /^0 error\(s\), 3 warning\(s\) .* 2 obligations without a test · 1 harness without an obligation$/,
    ),
  ]);
});

test('a contract without a claim is named and counted, and its tests under an older name are an error', async () => {
  const { exitCode, lines } = await validate('contracts/u-v1.yaml', `${HEAD}falsification: [${TEST}]\n`);
  expect(exitCode).toBe(1);
  expect(lines).toEqual([
    '[WARN] PV-035: u-v1 has no falsification test; nothing in it can be refuted (1:1)',
    expect.stringMatching(
      /^\[ERROR\] PV-011: 1 entry under 'falsification'.*did you mean 'falsification_tests'\? \(2:1\)$/,
    ),
    expect.stringMatching(/ 1 contract without a claim$/),
  ]);
});

test('a merge key and a digest without quotes are errors with their places', async () => {
  const claim = '<<: {name: n}, id: F-1, prediction: p, if_fails: q, algorithm_evidence: {receipt: a, digest: 1e5}';
  const { exitCode, lines } = await validate('contracts/u-v1.yaml', `${HEAD}falsification_tests:\n  - {${claim}}\n`);
  expect(exitCode).toBe(1);
  expect(lines[0]).toMatch(/^\[ERROR\] PV-012: `<<` is a key like any other here: nothing is merged.* \(3:6\)$/);
  expect(lines[1]).toMatch(/^\[ERROR\] PV-013: digest is 1e5 without quotes, read as the number 100000.* \(3:\d+\)$/);
});

test.each([
  ['', 'an empty file'],
  ['---\n', 'an empty file'],
  ['- a\n', 'a list'],
  ['text\n', 'a single value'],
  ['colour: red\n', 'some other YAML file'],
])('a file named like a contract that holds %j is named', async (text, what) => {
  project.write('contracts/u-v1.yaml', text);
  project.write('contracts/notes.yaml', text);
  const { exitCode, stdout } = await project.pv(['validate', '--format', 'plain']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain(
    `[WARN] PV-024: u-v1.yaml is named like a contract and is ${what}; nothing in it is read (1:1)`,
  );
  expect(stdout).not.toContain('notes.yaml');
});

test('a file of misspelt sections only is a contract, not some other file', async () => {
  const { exitCode, lines } = await validate('contracts/u.yaml', 'Metadata: {version: "1.0.0"}\n');
  expect(exitCode).toBe(1);
  expect(lines.join('\n')).toContain('SCHEMA-019: top-level `Metadata:` is not a contract field');
});

test('outside of contracts/ neighbours share no ids; what they depend on is found all the same', async () => {
  project.write('loose/b-v1.yaml', `${HEAD}falsification_tests: [${TEST}]\n`);
  const head = HEAD.replace('kind', 'depends_on: [b-v1], kind');
  const { exitCode, lines } = await validate('loose/u-v1.yaml', `${head}falsification_tests: [${TEST}]\n`);
  expect({ exitCode, lines }).toEqual({
    exitCode: 0,
    lines: [expect.stringMatching(/^0 error\(s\), 0 warning\(s\) /)],
  });
  const inside = await validate('contracts/u-v1.yaml', `${HEAD}falsification_tests: [${TEST}]\n`);
  expect(inside.exitCode).toBe(0);
  project.write('contracts/c-v1.yaml', `${HEAD}falsification_tests: [${TEST}]\n`);
  expect((await project.pv(['validate', 'contracts/u-v1.yaml'])).exitCode).toBe(1);
});

test('a second document is one too many', async () => {
  const { lines } = await validate('contracts/u-v1.yaml', `${HEAD}falsification_tests: [${TEST}]\n---\na: 1\n`);
  expect(lines[0]).toBe(
    '[ERROR] PV-001: a second document begins here; a contract is one document: split the file (3:1)',
  );
});
