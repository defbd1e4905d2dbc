// What a run did to the levels that a contract shows, as one line for its changelog and for people.
import type { Level } from './types.ts';

export interface LevelChange {
  claim: string;
  /** null: the contract said nothing yet. */
  from: string | null;
  to: Level;
}

/** `unset -> FUNCTIONAL FALSIFY-A-001, 002, 005; FUNCTIONAL -> NONE FALSIFY-A-003`; see `shortIds`. */
export function movesText(changes: readonly LevelChange[]): string {
  const moves = Map.groupBy(changes, ({ from, to }) => `${from ?? 'unset'} -> ${to}`);
  return [...moves].map(([move, moved]) => `${move} ${shortIds(moved.map(({ claim }) => claim))}`).join('; ');
}

/** `FALSIFY-A-001, 002`: an id after the first of its family by its number. */
export function shortIds(ids: readonly string[]): string {
  const family = (id: string | undefined): string => id?.slice(0, id.lastIndexOf('-') + 1) ?? '';
  return ids.map((id, i) => (i > 0 && family(id) === family(ids[i - 1]) ? id.slice(family(id).length) : id)).join(', ');
}
