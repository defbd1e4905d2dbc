// Runs that are recorded twice: when a receipt must stay byte for byte, and when it must not.
import { statSync } from 'node:fs';
import fc, { type Arbitrary } from 'fast-check';
import type { Claim } from '../../src/runner/contract/model.ts';
import { recordRun, type RecordInput } from '../../src/runner/evidence/record.ts';
import { receiptText } from '../../src/runner/evidence/receipt.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { SmallProject } from '../kit/claims/evidence-project.ts';

const DIGESTS = ['00', '11', '22'].map((pair) => pair.repeat(32));

/** What a run found, and what of it differs the second time: nothing, or one thing. */
export interface Rerun {
  executed: number;
  worst: number;
  output: string;
  seed: number;
  hours: number;
  change: 'nothing' | 'seed' | 'cases' | 'worst' | 'outputs' | 'verdict' | 'fault' | 'pin' | 'bar';
}

export const reruns: Arbitrary<Rerun> = fc.record({
  executed: fc.integer({ min: 1, max: 99 }),
  worst: fc.double({ noNaN: true }),
  output: fc.constantFrom(...DIGESTS.slice(0, 2)),
  seed: fc.nat(),
  hours: fc.integer({ min: 1, max: 99 }),
  change: fc.constantFrom('nothing', 'nothing', 'seed', 'cases', 'worst', 'outputs', 'verdict', 'fault', 'pin', 'bar'),
});

function inputOf({ executed, worst, output, seed, hours, change }: Rerun, isSecond: boolean): RecordInput {
  const is = (name: Rerun['change']): boolean => isSecond && change === name;
  const cases = executed + (is('cases') ? 1 : 0);
  const later = isSecond ? hours : 0;
  return {
    root: '/project',
    environment: { class: 'cpu.x64.v8-13.6', executor: 'cpu', arch: 'x64', v8: '13.6' },
    pins: {
      claim: `sha256:${DIGESTS[0]}`,
      bar: `sha256:${DIGESTS[1]}`,
      'file:a.ts': `sha256:${DIGESTS[is('pin') ? 2 : 1]}`,
    },
    previous: null,
    isClockFixed: false,
    volatile: {
      startedAt: new Date(later * 3_600_000).toISOString(),
      machine: { id: `machine ${later}`, os: 'linux', cpu: 'cpu', node: `24.${later}.0` },
      source: { commit: DIGESTS[later % 3] ?? '', isDirty: isSecond },
    },
    run: {
      claim: { contract: { name: 'toy-v1', stem: 'toy' }, id: 'TOY-001' } as Claim,
      executor: 'cpu',
      adapter: null,
      bar: { metric: 'difference', comparator: '<=', threshold: is('bar') ? 1 : 0, unit: 'integers', basis: '' },
      seed: seed + (is('seed') ? 1 : 0),
      repeat: 1,
      module: null,
      parts: [
        {
          part: 'generated',
          verdict: is('verdict') ? 'flaky' : 'survived',
          reason: { code: 'within-bar' },
          executed: cases,
          planned: cases,
          durationMs: 5 + later,
          report: {
            planned: cases,
            executed: cases,
            discarded: 0,
            worst: { value: worst + (is('worst') ? 1 + Math.abs(worst) : 0), where: 'case 1' },
            failure: null,
            thrown: null,
            starvedSearches: 0,
            replayed: 0,
            outputsDigest: is('outputs') ? (DIGESTS[2] ?? '') : output,
            touched: { data: [], models: [], programs: [], packages: [], oracles: [] },
          },
        },
      ],
      faults: [
        {
          id: 'f',
          title: 't',
          size: 'small',
          part: 'generated',
          verdict: is('fault') ? 'green' : 'red',
          executed: 1,
          measured: 1,
        },
      ],
    },
  };
}

/** The receipt of the second run is the first one's, bytes and all, exactly where nothing stable changed. */
export function countWrongRecords(rerun: Rerun): number {
  // One more than an infinity is the same.
  fc.pre(Number.isFinite(rerun.worst + 1 + Math.abs(rerun.worst)) || rerun.change !== 'worst');
  const first = recordRun(inputOf(rerun, false)).receipt;
  const second = recordRun({ ...inputOf(rerun, true), previous: first });
  const isSame = receiptText(second.receipt) === receiptText(first);
  const mustBeSame = rerun.change === 'nothing';
  return (second.isUnchanged === mustBeSame ? 0 : 1) + (isSame === mustBeSame ? 0 : 1);
}

export const RERUN_CASES = 3;

/** The whole of a toy project run twice, then with one file changed. */
export async function measureReruns(context: PartContext): Promise<void> {
  const parts = { generated: 'survives', live: 'survives', oracle: 'survives' } as const;
  const project = new SmallProject(context, 'rerun', [
    { stem: 'left', parts, faults: ['red'] },
    { stem: 'right', parts, faults: ['red'] },
  ]);
  await project.pv('falsify', '--all');
  const names = ['left', 'right'].flatMap((stem) => [project.receiptOf(stem), `contracts/${stem}-v1.yaml`]);
  const state = (): string[] =>
    names.map((name) => `${project.read(name)} ${statSync(project.path(name), { bigint: true }).mtimeNs}`);
  const first = state();
  const { stdout } = await project.pv('falsify', '--all');
  const second = state();
  context.measure(first.filter((file, index) => file !== second[index]).length, 'files written by a second run');
  context.measure(stdout.includes('0 receipts written, 2 unchanged') ? 0 : 1, 'what the second run says');
  project.edit('src/left.ts', 'return', '// a remark\n  return');
  await project.pv('falsify', '--all');
  const third = state();
  const moved = names.filter((_, index) => second[index] !== third[index]);
  const isLeftOnly = moved.includes(names[0] ?? '') && moved.every((name) => name.includes('left'));
  context.measure(isLeftOnly ? 0 : 1, `after a change on the left: ${moved.join(', ')}`);
}
