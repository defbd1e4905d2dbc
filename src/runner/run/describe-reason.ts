// The reasons of verdicts in words. Receipts keep them as notes, the reports print them.
import { formatNumber } from '../contract/bar.ts';
import type { Reason } from './part-result.ts';
import type { FaultResult } from './run-faults.ts';

export function describeReason(reason: Reason): string {
  switch (reason.code) {
    case 'within-bar':
      return 'every case within the bar';
    case 'beyond-bar':
      return 'a case is beyond the bar';
    case 'repeat-disagrees':
      return `the same seed gave ${reason.verdicts.join(', ')}`;
    case 'outputs-differ':
      return `${reason.runs} runs of the same seed gave different outputs`;
    case 'need-absent':
      return `${reason.need} is missing: ${reason.why}`;
    case 'executor-absent':
      return `no ${reason.executor} executor here: ${reason.why}`;
    case 'executor-unused':
      return `it never opened the ${reason.executor} executor, so it says nothing about it`;
    case 'nothing-executed':
      return 'no case was executed';
    case 'starved':
      return `a filter rejected too many inputs (${reason.discarded} discarded), so the search never ran in full`;
    case 'incomplete':
      return 'fewer cases were executed than planned';
    case 'too-many':
      return 'more cases were executed than planned, so the plan counts something else';
    case 'threw':
      return `threw${reason.where === null ? '' : ` on ${reason.where}`}: ${reason.message}`;
    case 'crash':
      return `the process ended without an answer: ${reason.detail}`;
    case 'out-of-memory':
      return `the process ran out of memory: ${reason.detail}`;
    case 'time-limit':
      return `still running after the time limit of ${formatNumber(reason.limitMs / 1000)} s`;
    case 'unusable':
      return `the falsifier cannot be loaded: ${reason.message}`;
  }
}

/** Why a planted fault is not red. */
export function describeFaultReason({ verdict, executed, reason }: FaultResult): string {
  if (verdict === 'green') return `stayed green over ${executed} cases, so the falsifier does not see it`;
  if (reason === undefined) return verdict;
  if (reason.code === 'never-loaded') return 'error, the faulty code was never loaded';
  if (reason.code === 'not-plantable') return `error, ${reason.message}`;
  return `${verdict}, ${describeReason(reason)}`;
}
