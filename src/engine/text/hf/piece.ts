// A stretch of a text on its way from characters to tokens: pre-tokenizers cut it, each cut again by the next.
// Positions are UTF-16 indices.

export interface Piece {
  text: string;
  /** Its first character stands for the first of the whole text: what `prepend_scheme: first` asks. */
  isFirst: boolean;
  /** How many units at its start came out of the first character of the whole text. */
  firstLength: number;
}

/** A stretch of a text: what a pattern found, or what lies between. Together they are the whole text. */
export interface Stretch {
  start: number;
  end: number;
  isMatch: boolean;
}

/** Where a pattern matches in a text, from left to right; an empty match is never beside the match before it. */
export type Find = (text: string) => Iterable<readonly [start: number, end: number]>;

export type Behavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';
export const BEHAVIORS: readonly Behavior[] = [
  'Removed',
  'Isolated',
  'MergedWithPrevious',
  'MergedWithNext',
  'Contiguous',
];

export function stretchesOf(text: string, find: Find): Stretch[] {
  if (text === '') return [{ start: 0, end: 0, isMatch: false }];
  const stretches: Stretch[] = [];
  let previous = 0;
  for (const [start, end] of find(text)) {
    if (previous !== start) stretches.push({ start: previous, end: start, isMatch: false });
    stretches.push({ start, end, isMatch: true });
    previous = end;
  }
  if (previous !== text.length) stretches.push({ start: previous, end: text.length, isMatch: false });
  return stretches;
}

export function cut(piece: Piece, stretches: readonly Stretch[], behavior: Behavior): Piece[] {
  const kept =
    behavior === 'Removed' ? stretches.filter(({ isMatch }) => !isMatch) : joined(stretches, JOINS[behavior], behavior);
  return kept.flatMap(({ start, end }) => (start === end ? [] : [slice(piece, start, end)]));
}

/** Whether a stretch joins the one that was seen before it. */
const JOINS: Readonly<Record<Exclude<Behavior, 'Removed'>, (isMatch: boolean, wasMatch: boolean) => boolean>> = {
  Isolated: () => false,
  Contiguous: (isMatch, wasMatch) => isMatch === wasMatch,
  MergedWithPrevious: (isMatch, wasMatch) => isMatch && !wasMatch,
  MergedWithNext: (isMatch, wasMatch) => isMatch && !wasMatch,
};

function joined(
  stretches: readonly Stretch[],
  joins: (isMatch: boolean, wasMatch: boolean) => boolean,
  behavior: Behavior,
): { start: number; end: number }[] {
  const isBackwards = behavior === 'MergedWithNext';
  const kept: { start: number; end: number }[] = [];
  let wasMatch = false;
  for (const { start, end, isMatch } of isBackwards ? stretches.toReversed() : stretches) {
    const last = kept.at(-1);
    if (last === undefined || !joins(isMatch, wasMatch)) kept.push({ start, end });
    else if (isBackwards) last.start = start;
    else last.end = end;
    wasMatch = isMatch;
  }
  return isBackwards ? kept.toReversed() : kept;
}

export function slice(piece: Piece, start: number, end: number): Piece {
  const firstLength = Math.max(0, Math.min(piece.firstLength, end) - start);
  return { text: piece.text.slice(start, end), isFirst: start < piece.firstLength, firstLength };
}

export function prepend(piece: Piece, text: string): Piece {
  if (piece.text === '') return piece;
  const firstLength = piece.firstLength === 0 ? 0 : piece.firstLength + text.length;
  return { ...piece, text: text + piece.text, firstLength };
}

/** Every character by itself becomes another text. */
export function mapped(piece: Piece, map: (text: string) => string): Piece {
  const { text, firstLength } = piece;
  return { ...piece, text: map(text), firstLength: firstLength === 0 ? 0 : map(text.slice(0, firstLength)).length };
}

export function findCharacters(isMatch: (character: string) => boolean): Find {
  return function* find(text) {
    let at = 0;
    for (const character of text) {
      if (isMatch(character)) yield [at, at + character.length];
      at += character.length;
    }
  };
}

export function findString(searched: string): Find {
  return function* find(text) {
    for (let at = text.indexOf(searched); at !== -1; at = text.indexOf(searched, at + searched.length)) {
      yield [at, at + searched.length];
    }
  };
}
