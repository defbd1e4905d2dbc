// Copies of a contract, whole and broken, and what the validator says of them. A contract that validates shows something
// only beside copies that do not.
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isMap, isSeq, parseDocument, type Document, type YAMLMap } from 'yaml';
import { validatePaths, type Diagnostic } from '../../src/runner/contract/index.ts';
import type { Falsifier, PartContext } from '../../src/runner/run/falsifier.ts';
import { plants } from '../kit/claims/plants.ts';

const CONTRACT = 'apr-cli-trace-save-tensor-v1';

interface Break {
  name: string;
  /** What the validator must answer, among others. */
  code: string;
  apply(document: Document, pick: number): void;
}

function tests(document: Document): YAMLMap[] {
  const list = document.get('falsification_tests');
  return isSeq(list) ? list.items.filter((item) => isMap(item)) : [];
}

function test(document: Document, pick: number): YAMLMap {
  const all = tests(document);
  const chosen = all[pick % all.length];
  if (chosen === undefined) throw new Error('the contract has no falsification tests');
  return chosen;
}

const setIn = (path: readonly (string | number)[], value: unknown) => (document: Document) =>
  document.setIn(path, value);

const inTest =
  (change: (map: YAMLMap) => void): Break['apply'] =>
  (document, pick) =>
    change(test(document, pick));

const BREAKS: readonly Break[] = [
  {
    name: 'no references',
    code: 'SCHEMA-001',
    apply: (document) => void document.deleteIn(['metadata', 'references']),
  },
  { name: 'empty version', code: 'SCHEMA-002', apply: setIn(['metadata', 'version'], '') },
  { name: 'empty formula', code: 'SCHEMA-004', apply: setIn(['equations', 'selection', 'formula'], '') },
  { name: 'empty property', code: 'SCHEMA-005', apply: setIn(['proof_obligations', 0, 'property'], '') },
  {
    name: 'one formal text twice',
    code: 'SCHEMA-006',
    apply: (document) =>
      document.setIn(['proof_obligations', 1, 'formal'], document.getIn(['proof_obligations', 0, 'formal'])),
  },
  {
    name: 'one id twice',
    code: 'SCHEMA-007',
    apply(document, pick) {
      test(document, pick).set('id', test(document, pick + 1).get('id'));
    },
  },
  { name: 'empty prediction', code: 'SCHEMA-008', apply: inTest((map) => map.set('prediction', '')) },
  { name: 'empty if_fails', code: 'SCHEMA-009', apply: inTest((map) => map.set('if_fails', '')) },
  { name: 'no qa_gate', code: 'SCHEMA-013', apply: (document) => void document.delete('qa_gate') },
  { name: 'unknown equation', code: 'PV-030', apply: inTest((map) => map.set('binds_to', 'nothing')) },
  { name: 'unknown dependency', code: 'PV-031', apply: setIn(['metadata', 'depends_on', 0], 'no-such-contract-v1') },
  { name: 'unknown claim', code: 'PV-041', apply: inTest((map) => map.set('id', `${String(map.get('id'))}0`)) },
  { name: 'unknown fault', code: 'PV-042', apply: inTest((map) => map.set('faults', [`${CONTRACT}-fault`])) },
  { name: 'no bar', code: 'PV-050', apply: inTest((map) => map.delete('bar')) },
  { name: 'no faults', code: 'PV-055', apply: inTest((map) => map.set('faults', [])) },
  { name: 'bar that everything meets', code: 'PV-051', apply: inTest((map) => map.setIn(['bar', 'comparator'], '>=')) },
  { name: 'bar without a basis', code: 'PV-005', apply: inTest((map) => map.deleteIn(['bar', 'basis'])) },
  { name: 'unknown comparator', code: 'PV-004', apply: inTest((map) => map.setIn(['bar', 'comparator'], '=<')) },
  { name: 'unknown level', code: 'PV-004', apply: inTest((map) => map.set('required_level', 'DONE')) },
  { name: 'misspelt key', code: 'PV-010', apply: inTest((map) => map.set('predictions', 'none')) },
];

/** A folder like the project's, with a contract of our own text in it and everything that its links lead to. */
async function writeProject(context: PartContext, folder: string, text: string): Promise<string> {
  const contract = context.data(`contracts/${CONTRACT}.yaml`);
  const root = join(context.folder, folder);
  await mkdir(root, { recursive: true });
  await cp(dirname(contract), join(root, 'contracts'), { recursive: true });
  await cp(dirname(context.data(`falsifiers/${CONTRACT}.ts`)), join(root, 'falsifiers'), {
    recursive: true,
    filter: (path) => !path.includes('vectors'),
  });
  const copy = join(root, 'contracts', `${CONTRACT}.yaml`);
  await writeFile(copy, text);
  return copy;
}

async function diagnose(context: PartContext, folder: string, text: string): Promise<Diagnostic[]> {
  const copy = await writeProject(context, folder, text);
  return (await validatePaths([copy])).diagnostics;
}

/** One case per way to break, and one for the unbroken copy. */
const COPIES = BREAKS.length + 1;

async function measureCopies(context: PartContext): Promise<void> {
  const text = await readFile(context.data(`contracts/${CONTRACT}.yaml`), 'utf8');
  const whole = await diagnose(context, 'whole', text);
  context.measure(whole.length, `unbroken copy: ${whole.map(({ code }) => code).join(', ')}`);
  for (const [i, breakage] of BREAKS.entries()) {
    const { name, code } = breakage;
    const document = parseDocument(text);
    breakage.apply(document, context.seed + i);
    const found = await diagnose(context, `broken-${i}`, document.toString({ lineWidth: 0 }));
    const isSaid = found.some((diagnostic) => diagnostic.code === code);
    context.measure(isSaid ? 0 : 1, `${name}: ${found.map((diagnostic) => diagnostic.code).join(', ') || 'nothing'}`);
  }
}

const PROGRAM_CASES = 2;

/** The program on the contract as it stands, and on one broken copy. */
async function measureValidator(context: PartContext): Promise<void> {
  const path = context.data(`contracts/${CONTRACT}.yaml`);
  const whole = await context.program('pv', ['validate', path, '--json']);
  const { counts } = JSON.parse(whole.stdout) as { counts: { errors: number; warnings: number; contracts: number } };
  const isOne = counts.contracts === 1 ? 0 : 1;
  context.measure(counts.errors + counts.warnings + isOne + whole.exitCode, `the contract: exit ${whole.exitCode}`);
  const text = (await readFile(path, 'utf8')).replace(/prediction: ".*"/, 'prediction: ""');
  const copy = await writeProject(context, 'program', text);
  const broken = await context.program('pv', ['validate', copy, '--json']);
  context.measure(
    broken.exitCode === 1 && broken.stdout.includes('SCHEMA-008') ? 0 : 1,
    `a broken copy: exit ${broken.exitCode}`,
  );
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-APR-TRACE-SAVE-008': {
    parts: {
      generated: { planned: COPIES, run: measureCopies },
      live: { planned: PROGRAM_CASES, run: measureValidator },
    },
    faults: plants`
      src/runner/contract/rules/contract-rules.ts
      gross validator-empty-prediction: a claim that predicts nothing is accepted
      - if (isMissing(prediction, node, TEST_PREDICTION)) {
      + if (isMissing(prediction, node, TEST_PREDICTION) && isEmpty(id)) {
      src/runner/contract/rules/claim-rules.ts
      small validator-bar-any-sign: a bar that every count meets is accepted
      - (comparator === '>=' && value <= 0)
      + (comparator === '>=' && value < 0)
    `,
  },
};
