// The largest rho of each kind of op: what a reader wants of a check that passed. No verdict.
import type { WeightSource } from '../../engine/program/executor.ts';
import type { Op, Program } from '../../engine/program/program.ts';
import type { OpResult } from './judge.ts';

export interface OpKindRho {
  op: Op['op'];
  /** Of the weights that it reads; null: it reads none. */
  weightType: string | null;
  /** Ops of this kind that were judged. */
  count: number;
  /** Largest |error| over the expected and over the proven budget, and the value where the latter is. */
  rho: number;
  rhoProven: number;
  at: string;
  status: OpResult['status'];
}

const STATUSES = ['healthy', 'suspect', 'faulty'] as const;

/** In the order in which the program comes to them. */
export function rhoByOp(
  { ops }: Pick<Program, 'ops'>,
  weights: Pick<WeightSource, 'info'>,
  results: readonly OpResult[],
): OpKindRho[] {
  const writers = new Map(ops.map((op) => [op.out, op]));
  const kinds = new Map<string, OpKindRho>();
  for (const { value, op, rhoExpected, rhoProven, status } of results) {
    const writer = writers.get(value);
    const weightType = writer !== undefined && 'weight' in writer ? (weights.info(writer.weight)?.type ?? null) : null;
    const key = `${op} ${weightType}`;
    const before = kinds.get(key);
    if (before === undefined) {
      kinds.set(key, { op, weightType, count: 1, rho: rhoExpected, rhoProven, at: value, status });
      continue;
    }
    before.count += 1;
    before.rho = Math.max(before.rho, rhoExpected);
    if (!(rhoProven <= before.rhoProven)) [before.rhoProven, before.at] = [rhoProven, value];
    before.status = STATUSES.findLast((one) => one === status || one === before.status) ?? 'faulty';
  }
  return [...kinds.values()];
}
