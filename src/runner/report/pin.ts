// A changed pin in words: what it is, and the eight digits before and after.
import { digest8 } from '../sources/digest.ts';
import type { AssessedReceipt } from '../evidence/assess.ts';
import type { PinChange, PinValue } from '../evidence/pins.ts';
import { formatBar } from '../contract/bar.ts';
import type { Claim } from '../contract/model.ts';

/** `file src/engine/x.ts changed: 1a2b3c4d -> 5e6f7a8b` */
export function describeChange({ pin, recorded, present }: PinChange, claim: Claim, receipt: AssessedReceipt): string {
  if (pin === 'bar') {
    const { metric, comparator, threshold, unit } = receipt.receipt.predicate.stable.bar;
    const was = `${metric} ${comparator} ${threshold}${unit === '' ? '' : ` ${unit}`}`;
    return `bar changed: ${was} -> ${claim.bar === undefined ? 'none' : formatBar(claim.bar)}`;
  }
  const [kind = '', ...rest] = pin.split(':');
  const name = rest.length === 0 ? pinName(pin) : `${kind} ${rest.join(':')}`;
  if (recorded === undefined) return `${name} is new: ${shown(present)}`;
  if (present === undefined) return `${name} is no longer used: was ${shown(recorded)}`;
  return `${name} changed: ${shown(recorded)} -> ${shown(present)}`;
}

function pinName(pin: string): string {
  if (pin === 'claim') return 'what the claim says';
  return pin === 'harness' ? 'the meaning of receipts' : pin;
}

function shown(value: PinValue | undefined): string {
  if (value === undefined) return 'nothing';
  return value.startsWith('sha256:') ? digest8(value) : value;
}
