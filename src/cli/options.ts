// Parsers for option values that several commands share. A value that does not fit is a usage error (exit 3) that
// names the flag and what it takes.
import { InvalidArgumentError } from 'commander';

/** A whole number from 0. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count)) {
    throw new InvalidArgumentError(`"${text}" is not a whole number from 0.`);
  }
  return count;
}

/** A whole number from 1. */
export function parsePositiveCount(text: string): number {
  const count = parseCount(text);
  if (count === 0) throw new InvalidArgumentError('0 is too few; the least is 1.');
  return count;
}

/** Of a flag that may be repeated. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}
