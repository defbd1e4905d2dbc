// Contracts before and after a change, what of the change makes anything easier, and levels that were typed by hand. The
// expected answers come from the plan of the change: a bar is looser when it accepts a value that it refused.
import { execFileSync } from 'node:child_process';
import fc, { type Arbitrary } from 'fast-check';
import type { ClaimStatus } from '../../src/runner/evidence/assess.ts';
import { overclaimsOf } from '../../src/runner/evidence/gate.ts';
import { looseningsSince } from '../../src/runner/evidence/loosened.ts';
import { receiptText, sealReceipt, type Receipt } from '../../src/runner/evidence/receipt.ts';
import { readContractText } from '../../src/runner/contract/load-contract.ts';
import type { Contract } from '../../src/runner/contract/model.ts';
import { validateLevels } from '../../src/runner/contract/validate-contracts.ts';
import type { Level } from '../../src/runner/level/types.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { claimId, SmallProject } from '../kit/claims/evidence-project.ts';

const LEVELS: readonly Level[] = ['NONE', 'PARTIAL_ALGORITHM_LEVEL', 'FUNCTIONAL', 'DISCHARGED'];
const COMPARATORS = ['<=', '<', '>=', '>', '=='] as const;

interface Terms {
  metric: string;
  unit: string;
  comparator: (typeof COMPARATORS)[number];
  threshold: number;
  level: number;
  faults: string[];
  executors: string[];
  canHaveOracle: boolean;
  dependsOn: string[];
  major: number;
}

export interface Change {
  before: Terms;
  after: Terms;
  fate: 'kept' | 'removed' | 'emptied' | 'retired' | 'gone';
}

const terms: Arbitrary<Terms> = fc.record({
  metric: fc.constantFrom('error', 'error', 'error', 'cosine'),
  unit: fc.constantFrom('ulp', 'ulp', 'ulp', 'bits'),
  comparator: fc.constantFrom(...COMPARATORS),
  threshold: fc.integer({ min: 0, max: 3 }),
  level: fc.integer({ min: 1, max: 3 }),
  faults: fc.subarray(['f', 'g', 'h']),
  executors: fc.subarray(['cpu', 'webgpu'], { minLength: 1 }),
  canHaveOracle: fc.boolean(),
  dependsOn: fc.subarray(['x-v1', 'y-v1']),
  major: fc.constantFrom(1, 1, 2),
});

/** The second terms are the first ones but for a few. */
export const changes: Arbitrary<Change> = fc
  .record({
    before: terms,
    other: terms,
    keys: fc.subarray([
      'comparator',
      'threshold',
      'metric',
      'unit',
      'level',
      'faults',
      'executors',
      'canHaveOracle',
      'dependsOn',
      'major',
    ] as const),
    fate: fc.constantFrom('kept', 'kept', 'kept', 'kept', 'kept', 'removed', 'emptied', 'retired', 'gone'),
  })
  .map(({ before, other, keys, fate }) => {
    const after = { ...before, ...Object.fromEntries(keys.map((key) => [key, other[key]])) };
    return { before, after, fate };
  });

function textOf(of: Terms, fate: Change['fate']): string {
  const claim = (id: string): string =>
    [
      `  - id: ${id}`,
      '    rule: r',
      '    prediction: p',
      '    if_fails: i',
      `    required_level: ${LEVELS[of.level]}`,
      `    executors: [${of.executors.join(', ')}]`,
      `    bar: { metric: ${of.metric}, comparator: "${of.comparator}", threshold: ${of.threshold}, unit: ${of.unit}, basis: b }`,
      `    faults: [${of.faults.join(', ')}]`,
      ...(of.canHaveOracle ? [] : ['    outside_oracle: { possible: false, reason: r }']),
    ].join('\n');
  const tests =
    fate === 'kept'
      ? ['falsification_tests:', claim('T-1')]
      : fate === 'removed'
        ? ['falsification_tests:', claim('T-2')]
        : ['falsification_tests: []'];
  const retired = fate === 'retired' ? ['retired:', '  - { id: T-1, reason: r }'] : [];
  return [
    `metadata: { version: "${of.major}.0.0", description: d, references: [r], depends_on: [${of.dependsOn.join(', ')}] }`,
    ...tests,
    ...retired,
    '',
  ].join('\n');
}

function contractOf(text: string): Contract {
  const reading = readContractText('contracts/toy-v1.yaml', text);
  if (reading.kind !== 'contract') throw new Error('the generated text is no contract');
  return reading.contract;
}

function accepts({ comparator, threshold }: Terms, value: number): boolean {
  if (comparator === '==') return value === threshold;
  const isEqualIn = comparator.includes('=');
  return (comparator.startsWith('<') ? value < threshold : value > threshold) || (isEqualIn && value === threshold);
}

/** On every integer threshold, beside it, and beyond all of them. */
const PROBES = Array.from({ length: 19 }, (_, index) => index / 2 - 3);

function isEasier(before: Terms, after: Terms): boolean {
  if (before.metric !== after.metric || before.unit !== after.unit) return true;
  return PROBES.some((value) => accepts(after, value) && !accepts(before, value));
}

function expectedCodes({ before, after, fate }: Change): string[] {
  const declared = after.major > before.major ? ' declared' : '';
  const lost = (was: readonly string[], is: readonly string[]): string[] => was.filter((name) => !is.includes(name));
  const dependencies = lost(before.dependsOn, after.dependsOn).map(() => `dependency-removed${declared}`);
  if (fate === 'gone') return ['claim-removed'];
  if (fate === 'retired') return ['claim-retired declared', ...dependencies];
  if (fate !== 'kept') return ['claim-removed', ...dependencies];
  return [
    ...(isEasier(before, after) ? [`bar-loosened${declared}`] : []),
    ...lost(before.faults, after.faults).map(() => `fault-removed${declared}`),
    ...(after.level < before.level ? [`level-lowered${declared}`] : []),
    ...lost(before.executors, after.executors).map(() => `executor-removed${declared}`),
    ...(before.canHaveOracle && !after.canHaveOracle ? [`oracle-waived${declared}`] : []),
    ...dependencies,
  ];
}

export function countMissedLoosenings(change: Change): number {
  const before = contractOf(textOf(change.before, 'kept'));
  const after = change.fate === 'gone' ? [] : [contractOf(textOf(change.after, change.fate))];
  const nothing = { claims: [], refused: [], orphans: [] };
  const found = looseningsSince({ ref: 'HEAD', contracts: [before], receipts: [] }, after, nothing);
  const codes = found.map(({ code, isDeclared }) => `${code}${isDeclared ? ' declared' : ''}`).toSorted();
  return JSON.stringify(codes) === JSON.stringify(expectedCodes(change).toSorted()) ? 0 : 1;
}

const WHOLE = { generated: 'survives', live: 'survives', oracle: 'survives' } as const;

export const BASE_CASES = 6;

/** A repository whose HEAD holds a refutation and a survivor; then each way to be rid of what is inconvenient. */
export async function measureAgainstBase(context: PartContext): Promise<void> {
  const project = new SmallProject(context, 'base', [
    { stem: 'good', parts: WHOLE, faults: ['red'] },
    { stem: 'bad', parts: { ...WHOLE, live: 'refuted' }, faults: ['red'] },
  ]);
  await project.pv('falsify', '--all');
  const identity = ['-c', 'user.name=toy', '-c', 'user.email=toy@example.org', '-c', 'commit.gpgsign=false'];
  const git = (...argv: string[]): unknown => execFileSync('git', [...identity, ...argv], { cwd: project.root });
  git('init', '-q');
  git('add', '-A');
  git('commit', '-q', '-m', 'base');
  const is = async (wanted: readonly string[], where: string): Promise<void> => {
    const { stdout, exitCode } = await project.pv('gate', '--base', 'HEAD', '--json');
    const { loosenings } = JSON.parse(stdout) as { loosenings: { code: string }[] };
    const codes = loosenings.map(({ code }) => code);
    // The refuted claim alone makes it 1, also where nothing was loosened.
    const isRight = JSON.stringify(codes) === JSON.stringify(wanted) && exitCode === 1;
    context.measure(isRight ? 0 : 1, `${where}: ${codes.join(', ') || 'nothing'}, exit ${exitCode}`);
    git('checkout', '-q', '--', '.');
  };
  await is([], 'unchanged');
  const bad = project.receiptOf('bad');
  project.remove(bad);
  await is(['refutation-vanished'], 'the refutation deleted');
  const { predicate } = JSON.parse(project.read(bad)) as Receipt;
  const { live } = predicate.stable.parts;
  if (live !== undefined) predicate.stable.parts.live = { ...live, verdict: 'survived', counterexample: null };
  project.write(bad, receiptText(sealReceipt(predicate)));
  await is(['refutation-vanished'], 'the refutation forged into a survivor, digests and all');
  project.edit('contracts/good-v1.yaml', 'threshold: 0', 'threshold: 1e-300');
  await is(['bar-loosened'], 'a bar loosened by next to nothing');
  const text = project.read('contracts/good-v1.yaml');
  project.write('contracts/good-v1.yaml', text.replace(/falsification_tests:[\s\S]*$/, 'falsification_tests: []\n'));
  await is(['claim-removed'], 'the claim removed');
  project.write('contracts/good-v1.yaml', '');
  await is(['claim-removed'], 'the contract emptied');
}

/** What people type, and the level that they mean. */
const WORDS: readonly (readonly [word: string, means: Level | null])[] = [
  ['DISCHARGED', 'DISCHARGED'],
  ['discharged', 'DISCHARGED'],
  ['FULL_DISCHARGED', 'DISCHARGED'],
  ['LIVE discharge', 'DISCHARGED'],
  ['STRUCTURALLY DISCHARGED', 'DISCHARGED'],
  ['FUNCTIONAL', 'FUNCTIONAL'],
  ['PARTIAL_ALGORITHM_LEVEL', 'PARTIAL_ALGORITHM_LEVEL'],
  ['PARTIAL', 'PARTIAL_ALGORITHM_LEVEL'],
  ['NONE', 'NONE'],
  ['PLANNED', null],
];

export interface TypedLevel {
  word: (typeof WORDS)[number];
  quote: string;
  key: 'status' | 'discharge_status';
  supported: Level;
}

export const typedLevels: Arbitrary<TypedLevel> = fc.record({
  word: fc.constantFrom(...WORDS),
  quote: fc.constantFrom('', '"', "'"),
  key: fc.constantFrom('status', 'discharge_status'),
  supported: fc.constantFrom(...LEVELS),
});

/** `validate` and `gate`, each against what the word means. */
export function countMissedOverclaims({ word: [word, means], quote, key, supported }: TypedLevel): number {
  const text = `metadata: { version: 1.0.0 }\nfalsification_tests:\n  - { id: T-1, ${key}: ${quote}${word}${quote} }\n`;
  const contract = contractOf(text);
  const [claim] = contract.claims;
  if (claim === undefined) throw new Error('the generated contract has no claim');
  const isTooMuch = means !== null && LEVELS.indexOf(means) > LEVELS.indexOf(supported);
  const derivation = { level: supported, word: supported, isStale: false, cause: null, rungs: [], caps: [] };
  const status: ClaimStatus = { claim, isBound: true, receipts: [], derivation, isMet: true };
  const validates = validateLevels([contract], () => ({ level: supported, cause: '' })).some(
    ({ code }) => code === 'LVL-001',
  );
  const gates = overclaimsOf(status).some(({ code }) => code === 'level-above-evidence');
  return (validates === isTooMuch ? 0 : 1) + (gates === isTooMuch ? 0 : 1);
}

const TYPED = ['DISCHARGED', '"DISCHARGED"', 'FULL_DISCHARGED'];
export const TYPED_CASES: number = 2 * (TYPED.length + 1);

/** A claim that its evidence takes to FUNCTIONAL, with another word typed over it. */
export async function measureTypedLevels(context: PartContext): Promise<void> {
  const parts = { generated: 'survives', live: 'survives' } as const;
  const project = new SmallProject(context, 'typed', [{ stem: 'half', parts, faults: ['red'] }]);
  await project.pv('falsify', '--all');
  const path = 'contracts/half-v1.yaml';
  const before = project.read(path);
  for (const word of ['FUNCTIONAL', ...TYPED]) {
    project.write(path, before.replace('status: FUNCTIONAL', `status: ${word}`));
    const isHonest = word === 'FUNCTIONAL';
    const validate = await project.pv('validate', '--json');
    const says = validate.stdout.includes('LVL-001') && validate.stdout.includes(claimId('half'));
    const isRight = isHonest ? validate.exitCode === 0 : validate.exitCode === 1 && says;
    context.measure(isRight ? 0 : 1, `validate on ${word} exits ${validate.exitCode}`);
    const gate = await project.pv('gate');
    context.measure(gate.exitCode === (isHonest ? 0 : 1) ? 0 : 1, `gate on ${word} exits ${gate.exitCode}`);
  }
}
