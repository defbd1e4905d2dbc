// The ladder on receipts that the real `pv` wrote: toy claims whose level is known from how they were made, and what
// becomes of the level when the project around them changes.
import { readFileSync, writeFileSync } from 'node:fs';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { pinsDigest, receiptText, sealReceipt, type Receipt } from '../../src/runner/evidence/receipt.ts';
import { SmallProject, type ToyContract } from '../kit/claims/evidence-project.ts';

type Row = ToyContract & { level: string };

const WHOLE = { generated: 'survives', live: 'survives', oracle: 'survives' } as const;
const PARTIAL = 'PARTIAL_ALGORITHM_LEVEL';

/** Levels by hand, from DESIGN §7. */
const ROWS: readonly Row[] = [
  { stem: 'whole', parts: WHOLE, faults: ['red', 'red'], level: 'DISCHARGED' },
  { stem: 'unvouched', parts: { generated: 'survives', live: 'survives' }, faults: ['red'], level: 'FUNCTIONAL' },
  { stem: 'unseen', parts: { generated: 'survives', oracle: 'survives' }, faults: ['red'], level: PARTIAL },
  { stem: 'closed', parts: WHOLE, faults: ['red'], canHaveOracle: false, level: 'FUNCTIONAL' },
  { stem: 'refuted', parts: { ...WHOLE, oracle: 'refuted' }, faults: ['red'], level: 'NONE' },
  { stem: 'broken', parts: { ...WHOLE, live: 'throws' }, faults: ['red'], level: 'NONE' },
  { stem: 'elsewhere', parts: WHOLE, faults: ['red'], executors: ['cpu', 'webgpu'], level: PARTIAL },
];

const HOLLOW: readonly Row[] = [
  { stem: 'short', parts: { ...WHOLE, generated: 'short' }, faults: ['red'], level: 'NONE' },
  { stem: 'empty', parts: { ...WHOLE, generated: 'empty' }, faults: ['red'], level: 'NONE' },
  { stem: 'faultless', parts: WHOLE, faults: [], level: 'NONE' },
  { stem: 'blunt', parts: WHOLE, faults: ['red', 'green'], level: 'NONE' },
  { stem: 'lost', parts: WHOLE, faults: ['lost'], level: 'NONE' },
  { stem: 'half', parts: { ...WHOLE, live: 'short' }, faults: ['red'], level: PARTIAL },
];

const CAPPED: readonly Row[] = [
  { stem: 'flaky', parts: { ...WHOLE, live: 'flaky' }, faults: ['red'], level: PARTIAL },
  { stem: 'lower', parts: { generated: 'survives', live: 'survives' }, faults: ['red'], level: 'FUNCTIONAL' },
  { stem: 'above', parts: WHOLE, faults: ['red'], dependsOn: ['lower'], level: 'FUNCTIONAL' },
  { stem: 'highest', parts: WHOLE, faults: ['red'], dependsOn: ['above', 'whole'], level: 'FUNCTIONAL' },
  { stem: 'orphaned', parts: WHOLE, faults: ['red'], dependsOn: ['nothing'], level: 'NONE' },
  { stem: 'whole', parts: WHOLE, faults: ['red'], level: 'DISCHARGED' },
];

export const ROW_CASES: number = ROWS.length;
export const HOLLOW_CASES: number = HOLLOW.length;
/** And the last one twice more: disputed, and called flaky, by another machine. */
export const CAP_CASES: number = CAPPED.length + 2;
export const STEP_CASES = 4;
export const ORDER_CASES = 2;
export const STALE_CASES = 3;

async function ran(context: PartContext, name: string, rows: readonly ToyContract[]): Promise<SmallProject> {
  const project = new SmallProject(context, name, rows);
  await project.pv('falsify', '--all');
  return project;
}

async function compareRows(context: PartContext, name: string, rows: readonly Row[]): Promise<SmallProject> {
  const project = await ran(context, name, rows);
  const levels = await project.levels();
  for (const { stem, level } of rows) expect(context, levels.get(stem)?.level, level, stem);
  return project;
}

function expect(context: PartContext, is: string | undefined, wanted: string, where: string): void {
  context.measure(is === wanted ? 0 : 1, `${where}: ${is}, by hand ${wanted}`);
}

export async function measureRows(context: PartContext): Promise<void> {
  await compareRows(context, 'rows', ROWS);
}

export async function measureHollow(context: PartContext): Promise<void> {
  await compareRows(context, 'hollow', HOLLOW);
}

export async function measureCaps(context: PartContext): Promise<void> {
  const project = await compareRows(context, 'caps', CAPPED);
  const path = project.path(project.receiptOf('whole'));
  const { predicate } = JSON.parse(readFileSync(path, 'utf8')) as Receipt;
  const { stable } = predicate;
  for (const [verdict, level] of [
    ['falsified', 'FUNCTIONAL'],
    ['flaky', PARTIAL],
  ] as const) {
    const live = { verdict, outputs: stable.parts.live?.outputs ?? 'sha256:' } as const;
    const other = {
      machine: 'another',
      class: stable.environment.class,
      pins: pinsDigest(stable.pins),
      parts: { live },
    };
    writeFileSync(path, receiptText(sealReceipt({ ...predicate, confirmations: [other] })));
    expect(context, (await project.levels()).get('whole')?.level, level, `another machine says ${verdict}`);
  }
}

/** Up with evidence, down without it, down with a refutation, up again when the product is repaired. */
export async function measureSteps(context: PartContext): Promise<void> {
  const project = await ran(context, 'steps', [{ stem: 'whole', parts: WHOLE, faults: ['red'] }]);
  const level = async (): Promise<string | undefined> => (await project.levels()).get('whole')?.level;
  expect(context, await level(), 'DISCHARGED', 'after a run');
  const receipt = project.receiptOf('whole');
  const text = project.read(receipt);
  project.remove(receipt);
  expect(context, await level(), 'NONE', 'without its receipt');
  project.edit('src/whole.ts', 'x + x', 'x + x + (x === 3 ? 1 : 0)');
  await project.pv('falsify', '--all');
  expect(context, await level(), 'NONE', 'refuted at one input');
  project.edit('src/whole.ts', 'x + x + (x === 3 ? 1 : 0)', 'x + x');
  project.write(receipt, text);
  expect(context, await level(), 'DISCHARGED', 'repaired');
}

/** Contracts and claims in another order, and asked twice. */
export async function measureOrder(context: PartContext): Promise<void> {
  const rows = [...ROWS.slice(0, 3), ...CAPPED.slice(1, 3)];
  const project = await ran(context, 'order', rows);
  const first = await project.pv('status', '--json');
  const second = await project.pv('status', '--json');
  context.measure(first.stdout === second.stdout && first.stdout !== '' ? 0 : 1, 'pv status twice');
  const levels = await project.levels();
  // Files are read by name: a folder in front of all turns their order.
  for (const { stem } of rows.slice(1)) {
    project.write(`contracts/a/${stem}-v1.yaml`, project.read(`contracts/${stem}-v1.yaml`));
    project.remove(`contracts/${stem}-v1.yaml`);
  }
  const turned = await project.levels();
  const differing = rows.filter(({ stem }) => levels.get(stem)?.level !== turned.get(stem)?.level);
  context.measure(differing.length + (levels.size === rows.length ? 0 : 1), 'contracts in another order');
}

export async function measureStale(context: PartContext): Promise<void> {
  const project = await ran(context, 'stale', [
    { stem: 'left', parts: WHOLE, faults: ['red'] },
    { stem: 'right', parts: WHOLE, faults: ['red'] },
  ]);
  expect(context, (await project.levels()).get('left')?.level, 'DISCHARGED', 'before');
  project.edit('src/left.ts', 'return', '// a remark\n  return');
  const { left, right } = Object.fromEntries(await project.levels());
  expect(context, `${left?.level} ${left?.word} ${left?.freshness}`, 'NONE DISCHARGED stale', 'its file changed');
  expect(context, `${right?.level} ${right?.freshness}`, 'DISCHARGED fresh', 'another file changed');
}
