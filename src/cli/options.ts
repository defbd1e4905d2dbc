// Option values that several commands share, and how a value that does not fit is refused: E_OPTION with the option,
// what was given and what it takes. What a number looks like is src/decimal.ts's matter.
import { Option } from 'commander';
import { parseDecimal, parseWhole } from '../decimal.ts';
import { RefuteError } from '../errors.ts';

/** The longest time limit, in whole seconds, that a timer of Node can wait for: 2^31 − 1 ms. */
export const MAX_SECONDS = 2_147_483;

interface Range {
  from?: number;
  to?: number;
}

/** An option that takes a whole number. */
export function wholeOption(flags: string, description: string, { from = 0, to }: Range = {}): Option {
  const option = new Option(flags, description);
  return option.argParser((text: string) => {
    const value = parseWhole(text);
    if (value !== null && value >= from && value <= (to ?? value)) return value;
    const end = to === undefined ? '' : ` to ${to}`;
    const is = `${JSON.stringify(text)} is not a whole number from ${from}${end}`;
    throw optionError(nameOf(option), is, 'decimal digits are needed');
  });
}

/** An option that takes a decimal fraction; its range is checked where its meaning is known. */
export function decimalOption(flags: string, description: string): Option {
  const option = new Option(flags, description);
  return option.argParser((text: string) => {
    const value = parseDecimal(text);
    if (value !== null) return value;
    throw optionError(
      nameOf(option),
      `${JSON.stringify(text)} is not a decimal number`,
      'one like 0.7 or 1e-3 is needed',
    );
  });
}

/** Of an option that may be repeated. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** `--limit`, as it is called in messages. */
export function nameOf(option: Option): string {
  return option.long ?? option.flags;
}

export function optionError(place: string, is: string, allowed: string, next?: string): RefuteError {
  return new RefuteError({ code: 'E_OPTION', place, is, allowed, ...(next === undefined ? {} : { next }) });
}
