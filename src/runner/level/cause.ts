// Why a level is what it is, in words. The causes themselves are data of level/; nothing is decided here.
import type { Cause, CauseCode } from './types.ts';

const WORDS: Readonly<Record<CauseCode, (on: string, subject: string, detail?: string) => string>> = {
  'no-required-class': () => 'the contract names no executor',
  'no-receipt': () => 'there is no receipt',
  stale: (on) => `the receipt${on} is stale: its inputs changed since`,
  falsified: (on, subject) => `the ${subject} part is falsified${on}`,
  error: (on, subject) => `the ${subject} part ended in an error${on}`,
  flaky: (on, subject) => `the ${subject} part is flaky${on}: the same seed gave different answers`,
  'no-part': (on, subject) => `the falsifier has no ${subject} part that was run${on}`,
  'not-run': (on, subject) => `the ${subject} part was not run${on}`,
  incomplete: (on, subject, detail = 'too few') => `the ${subject} part ran ${detail} cases${on}`,
  'no-faults': (on) => `no planted fault has shown that the falsifier can go red${on}`,
  'fault-unplanted': (on, subject) =>
    `the contract names the fault ${subject}, and the falsifier does not plant it${on}`,
  'fault-green': (on, subject) => `the planted fault ${subject} stayed green${on}`,
  'fault-not-run': (on, subject) => `the planted fault ${subject} was not tried${on}`,
  'fault-error': (on, subject) => `the planted fault ${subject} could not be seen${on}: it ended in an error`,
  'class-missing': (_on, subject) => `there is no fresh receipt of executor ${subject}`,
  unconfirmed: (on) => `no second machine has confirmed the outputs${on}`,
  disputed: (on, subject) => `disputed: ${subject} disagrees${on}`,
  dependency: (_on, subject, detail = 'nothing') => `the contract ${subject} that it depends on stands at ${detail}`,
};

/** A phrase without a full stop: `the live part was not run on cpu.x64.v8-13.6`. */
export function describeCause({ code, subject = '', detail, environmentClass }: Cause): string {
  return WORDS[code](environmentClass === undefined ? '' : ` on ${environmentClass}`, subject, detail);
}

const NEXT_STEPS: Readonly<Partial<Record<CauseCode, (claimId: string, subject: string) => string>>> = {
  'no-receipt': (claimId) => `pv falsify ${claimId}`,
  stale: (claimId) => `pv falsify ${claimId}`,
  'class-missing': (claimId) => `pv falsify ${claimId}`,
  incomplete: (claimId) => `pv falsify ${claimId}`,
  'not-run': (claimId, part) => `pv falsify ${claimId} --part ${part} on a machine that has what it needs`,
  unconfirmed: (claimId) => `pv falsify ${claimId} --confirm on a second machine`,
  falsified: (claimId) => `pv replay ${claimId}`,
  flaky: (claimId) => `pv falsify ${claimId} --repeat 5 --dry-run`,
  dependency: (_claimId, contract) => `pv why for the claims of ${contract}`,
};

/** What a person can do about it; null where it needs work on the product or the falsifier. */
export function nextStep({ code, subject = '' }: Cause, claimId: string): string | null {
  return NEXT_STEPS[code]?.(claimId, subject) ?? null;
}
