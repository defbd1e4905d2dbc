// How much one rendering may do: a template that does not end, or that doubles what it has again and again, is
// refused. One rendering at a time, for it never waits.
import { notFollowed } from './values.ts';

/** Thousands of messages take a tenth. */
const MAX_WORK = 10_000_000;
/** Characters that are moved for the price of one step. */
const CHARACTERS_A_STEP = 64;

let done = 0;

export function startWork(): void {
  done = 0;
}

export function work(steps = 1): void {
  done += steps;
  if (done > MAX_WORK) notFollowed(`a template of more than ${MAX_WORK} steps`);
}

export function workOn(text: string): string {
  work(text.length / CHARACTERS_A_STEP);
  return text;
}
