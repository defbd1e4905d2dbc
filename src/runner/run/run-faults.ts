// Sees whether a falsifier has teeth: each planted fault must turn its part red. Every fault runs in a child of its
// own, first with few cases; only a fault that stays green there is given the full number.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RefuteError } from '../../errors.ts';
import type { FaultVerdict } from '../level/types.ts';
import { plannedOn } from './planned.ts';
import { plantFault } from './plant-fault.ts';
import { runPart } from './run-part.ts';
import type { FalsifierDescription, FaultDescription, PartRequest } from './protocol.ts';
import type { PartResult, Reason } from './part-result.ts';

/** Enough for a gross fault; a healthy run of the same part has just shown that they are quick. */
const FIRST_LOOK_CASES = 64;

export interface FaultResult extends Omit<FaultDescription, 'inject' | 'executor'> {
  verdict: FaultVerdict;
  /** Cases until it was seen, or all of them. */
  executed: number;
  /** The measurement beyond the bar; null where there is none. */
  measured: number | null;
  /** Why it is not red. */
  reason?: Reason | { code: 'never-loaded' } | { code: 'not-plantable'; message: string };
}

export interface RunFaultsOptions {
  faults: readonly FaultDescription[];
  parts: FalsifierDescription['parts'];
  /** The request of the healthy run; part and case count are set here. */
  request: Omit<PartRequest, 'folder' | 'type'>;
  timeLimitMs?: number;
  onFault?: (done: number, total: number) => void;
}

/** In the order of `faults`. */
export async function runFaults(options: RunFaultsOptions): Promise<FaultResult[]> {
  const { faults } = options;
  let done = 0;
  return Promise.all(
    faults.map(async (fault) => {
      const result = await runFault(fault, options);
      done += 1;
      options.onFault?.(done, faults.length);
      return result;
    }),
  );
}

async function runFault(fault: FaultDescription, options: RunFaultsOptions): Promise<FaultResult> {
  const { id, title, size, part } = fault;
  const named = { id, title, size, part };
  const folder = await mkdtemp(join(tmpdir(), 'refute-fault-'));
  try {
    const { request } = options;
    const whole = plannedOn(request.executor, options.parts[part]);
    const planted = await plantFault(fault, request.address, request.root, folder);
    const look = (planned?: number): Promise<PartResult> =>
      runPart({
        request: { ...request, part, stopAtFirst: true, replays: [], ...(planned === undefined ? {} : { planned }) },
        env: planted.env,
        planned: planned ?? whole,
        ...(options.timeLimitMs === undefined ? {} : { timeLimitMs: options.timeLimitMs }),
      });
    let result = await look(FIRST_LOOK_CASES);
    const isCutShort = FIRST_LOOK_CASES < whole;
    if (isCutShort && result.report !== undefined && result.report.failure === null) result = await look();
    const outcome = judgeFault(result, planted.appliedCount());
    return { ...named, executed: result.executed, measured: result.report?.failure?.value ?? null, ...outcome };
  } catch (error) {
    if (!(error instanceof RefuteError)) throw error;
    const reason = { code: 'not-plantable', message: error.message } as const;
    return { ...named, verdict: 'error', executed: 0, measured: null, reason };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Only a bar that is broken by the fault makes it red: a crash or a missing case says nothing about the bar. */
function judgeFault(result: PartResult, appliedCount: number): Pick<FaultResult, 'verdict' | 'reason'> {
  const { verdict, reason, executed } = result;
  if (verdict === 'falsified') return { verdict: 'red' };
  if (verdict === 'error') return { verdict: 'error', reason };
  if (appliedCount === 0) return { verdict: 'error', reason: { code: 'never-loaded' } };
  return executed === 0 ? { verdict: 'not-run', reason } : { verdict: 'green', reason };
}
