// Why a level is what it is, in words. The causes themselves are data of level/; nothing is decided here.
import type { Cause } from './types.ts';

/** A phrase without a full stop: `the live part was not run on cpu.x64.v8-13.6`. */
export function describeCause(cause: Cause): string {
  const { code, subject = '', detail } = cause;
  const on = cause.environmentClass === undefined ? '' : ` on ${cause.environmentClass}`;
  switch (code) {
    case 'no-required-class':
      return 'the contract names no executor';
    case 'no-receipt':
      return 'there is no receipt';
    case 'stale':
      return `the receipt${on} is stale: its inputs changed since`;
    case 'falsified':
      return `the ${subject} part is falsified${on}`;
    case 'error':
      return `the ${subject} part ended in an error${on}`;
    case 'flaky':
      return `the ${subject} part is flaky${on}: the same seed gave different answers`;
    case 'no-part':
      return `the falsifier has no ${subject} part that was run${on}`;
    case 'not-run':
      return `the ${subject} part was not run${on}`;
    case 'incomplete':
      return `the ${subject} part ran ${detail ?? 'too few'} cases${on}`;
    case 'no-faults':
      return `no planted fault has shown that the falsifier can go red${on}`;
    case 'fault-unplanted':
      return `the contract names the fault ${subject}, and the falsifier does not plant it${on}`;
    case 'fault-green':
      return `the planted fault ${subject} stayed green${on}`;
    case 'fault-not-run':
      return `the planted fault ${subject} was not tried${on}`;
    case 'fault-error':
      return `the planted fault ${subject} could not be seen${on}: it ended in an error`;
    case 'class-missing':
      return `there is no fresh receipt of executor ${subject}`;
    case 'unconfirmed':
      return `no second machine has confirmed the outputs${on}`;
    case 'disputed':
      return `disputed: ${subject} disagrees${on}`;
    case 'dependency':
      return `the contract ${subject} that it depends on stands at ${detail ?? 'nothing'}`;
  }
}

/** What a person can do about it; null where it needs work on the product or the falsifier. */
export function nextStep(cause: Cause, claimId: string): string | null {
  switch (cause.code) {
    case 'no-receipt':
    case 'stale':
    case 'class-missing':
    case 'incomplete':
      return `pv falsify ${claimId}`;
    case 'not-run':
      return `pv falsify ${claimId} --part ${cause.subject ?? ''} on a machine that has what it needs`;
    case 'unconfirmed':
      return `pv falsify ${claimId} --confirm on a second machine`;
    case 'falsified':
      return `pv replay ${claimId}`;
    case 'flaky':
      return `pv falsify ${claimId} --repeat 5 --dry-run`;
    case 'dependency':
      return `pv why for the claims of ${cause.subject ?? ''}`;
    case 'no-required-class':
    case 'error':
    case 'no-part':
    case 'no-faults':
    case 'fault-unplanted':
    case 'fault-green':
    case 'fault-not-run':
    case 'fault-error':
    case 'disputed':
      return null;
  }
}
