// The reasons of verdicts in words. Receipts keep them as notes, the reports print them.
import { formatNumber } from '../contract/bar.ts';
import type { Reason } from './part-result.ts';
import type { FaultResult } from './run-faults.ts';

const WORDS: { readonly [Code in Reason['code']]: (reason: Extract<Reason, { code: Code }>) => string } = {
  'within-bar': () => 'every case within the bar',
  'beyond-bar': () => 'a case is beyond the bar',
  'repeat-disagrees': ({ verdicts }) => `the same seed gave ${verdicts.join(', ')}`,
  'outputs-differ': ({ runs }) => `${runs} runs of the same seed gave different outputs`,
  'need-absent': ({ need, why }) => `${need} is missing: ${why}`,
  'executor-absent': ({ executor, why }) => `no ${executor} executor here: ${why}`,
  'executor-unused': ({ executor }) => `it never ran on the ${executor} executor, so it says nothing about it`,
  'nothing-executed': () => 'no case was executed',
  starved: ({ discarded }) =>
    `a filter rejected too many inputs (${discarded} discarded), so the search never ran in full`,
  incomplete: () => 'fewer cases were executed than planned',
  'too-many': () => 'more cases were executed than planned, so the plan counts something else',
  threw: ({ where, message }) => `threw${where === null ? '' : ` on ${where}`}: ${message}`,
  crash: ({ detail }) => `the process ended without an answer: ${detail}`,
  'out-of-memory': ({ detail }) => `the process ran out of memory: ${detail}`,
  'time-limit': ({ limitMs }) => `still running after the time limit of ${formatNumber(limitMs / 1000)} s`,
  unusable: ({ message }) => `the falsifier cannot be loaded: ${message}`,
};

export function describeReason(reason: Reason): string {
  return (WORDS[reason.code] as (reason: Reason) => string)(reason);
}

/** Why a planted fault is not red. */
export function describeFaultReason({ verdict, executed, reason }: FaultResult): string {
  if (verdict === 'green') return `stayed green over ${executed} cases, so the falsifier does not see it`;
  if (reason === undefined) return verdict;
  if (reason.code === 'never-loaded') return 'error, the faulty code was never loaded';
  if (reason.code === 'not-plantable') return `error, ${reason.message}`;
  return `${verdict}, ${describeReason(reason)}`;
}
