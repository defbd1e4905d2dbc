// Numbers for people on a terminal: those of src/figures.ts, and what has a colour.
import { countText } from '../figures.ts';
import { style } from './terminal.ts';

export * from '../figures.ts';

/** The colour of a NaN or infinity count: red unless 0. */
export function badCountText(count: number): string {
  return count === 0 ? '0' : style.red(countText(count));
}
