// Contracts as the original's authors write them, in all the shapes that reference/pv.md lists, in our own words:
// nothing is refused that is only unusual, and what is wrong is found where it stands.
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadContract, loadContracts, validatePaths } from '../../../src/runner/contract/index.ts';
import { brief } from './judge.ts';

const CORPUS = fileURLToPath(new URL('./corpus/contracts', import.meta.url));

test('a corpus in the original style gives the expected findings and no others', async () => {
  const { diagnostics, ...rest } = await validatePaths([CORPUS], {
    levels: async () => () => ({ level: 'NONE', cause: 'there is no receipt' }),
  });
  const byFile: Record<string, string[]> = {};
  for (const diagnostic of diagnostics) {
    const file = diagnostic.file.slice(CORPUS.length + 1);
    (byFile[file] ??= []).push(brief(diagnostic));
  }
  expect(byFile).toEqual({
    'cli-commands-v1.yaml': [
      'PV-022 warning 18:5',
      'PV-034 warning 29:29',
      'PV-010 warning 30:1',
      'SCHEMA-020 error 33:3',
      'SCHEMA-018 error 34:1',
    ],
    'fused-steps-v1.yaml': ['PV-035 warning 2:1', 'SCHEMA-003 error 2:1', 'SCHEMA-001 error 7:3'],
    'import-config-v1.yaml': [
      'PV-011 warning 20:1',
      'PV-011 warning 22:1',
      'PV-033 warning 37:5',
      'PV-020 error 41:9',
      'LVL-001 error 48:23',
    ],
    'row-major-v1.yaml': ['SCHEMA-003 error 1:1', 'SCHEMA-009 warning 13:5', 'SCHEMA-009 warning 19:5'],
    'soft-cap-kernel-v1.yaml': [
      'PV-033 warning 35:3',
      'SCHEMA-006 warning 37:11',
      'PV-033 warning 39:3',
      'SCHEMA-012 warning 76:3',
    ],
    'trace-flag-v1.yaml': ['PV-054 warning 42:11', 'LVL-001 error 53:13', 'PV-033 warning 59:5', 'PV-033 warning 61:5'],
    'two-backends-v1.yaml': [
      'PV-033 warning 19:11',
      'PV-033 warning 20:11',
      'LVL-001 error 28:13',
      'PV-030 error 39:15',
      'LVL-001 error 40:13',
      'PV-020 error 42:9',
      'PV-053 warning 46:13',
      'PV-056 warning 48:44',
    ],
  });
  expect(rest).toMatchObject({ fileCount: 9, contractCount: 8, unreadableCount: 0 });
  expect(rest.skipped.map(({ what }) => what)).toEqual(['a binding registry']);
});

test('aliases and free forms are read as what they mean', () => {
  const cli = loadContract(`${CORPUS}/cli-commands-v1.yaml`);
  expect(cli.equations.map(({ name }) => name)).toEqual(['exit_zero', 'equation_2']);
  expect(cli.claims[0]).toMatchObject({
    id: 'cli-commands-v1#test-1',
    rule: 'help exits 0',
    prediction: 'exit code 0',
    test: 'apr --help',
    ifFails: 'the parser is broken',
    isBound: false,
  });
  const two = loadContract(`${CORPUS}/two-backends-v1.yaml`);
  expect(two.claims[0]?.evidence).toEqual({
    algorithm: { entries: [], prose: ['pass', '2026-05-11', 'src/gate.rs'] },
    functional: { entries: [], prose: ['evidence/parity-a.log, host A', 'evidence/parity-b.log, host B'] },
  });
  const config = loadContract(`${CORPUS}/import-config-v1.yaml`);
  expect(config.claims[0]).toMatchObject({ status: 'FULL_DISCHARGED', declaredLevel: 'DISCHARGED' });
  expect(config.metadata.references).toEqual(['paper', 'issue']);
  expect(config.obligations.map(({ handle, property }) => [handle, property])).toEqual([
    ['OB-THETA', 'theta survives'],
    ['import-config-v1#invariant-2', 'the same, as a theorem'],
  ]);
});

test('every contract of a folder is loaded, by path', () => {
  const contracts = loadContracts(CORPUS);
  expect(contracts.map(({ name }) => name)).toEqual([
    'cli-commands-v1',
    'fused-steps-v1',
    'import-config-v1',
    'moving-mean-kernel-v1',
    'row-major-v1',
    'soft-cap-kernel-v1',
    'trace-flag-v1',
    'two-backends-v1',
  ]);
  expect(contracts[0]).toMatchObject({ stem: 'cli-commands', fileVersion: 1 });
});
