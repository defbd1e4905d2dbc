// What Python's str knows about characters where JavaScript knows otherwise: white space, code points, title case.

/** The inside of a character class: `str.isspace`. U+001C–U+001F and U+0085 are in, U+FEFF is not. */
export const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

/** The inside of a character class: what `str.isdigit` takes beside decimal digits (superscripts, circled digits, …). */
export const DIGITS: string =
  '\\u00b2\\u00b3\\u00b9\\u1369-\\u1371\\u19da\\u2070\\u2074-\\u2079\\u2080-\\u2089\\u2460-\\u2468\\u2474-\\u247c' +
  '\\u2488-\\u2490\\u24ea\\u24f5-\\u24fd\\u24ff\\u2776-\\u277e\\u2780-\\u2788\\u278a-\\u2792\\u{10a40}-\\u{10a43}' +
  '\\u{10e60}-\\u{10e68}\\u{11052}-\\u{1105a}\\u{1f100}-\\u{1f10a}';

const SURROGATE = /[\ud800-\udfff]/;

export function hasAstral(text: string): boolean {
  return SURROGATE.test(text);
}

/** The characters of a text as Python counts them. */
export function codePoints(text: string): string[] {
  return hasAstral(text) ? Array.from(text) : text.split('');
}

export function lengthOf(text: string): number {
  if (!hasAstral(text)) return text.length;
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** -1, 0 or 1, by code points. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  if (!hasAstral(a) || !hasAstral(b)) {
    if (!hasAstral(a) && !hasAstral(b)) return a < b ? -1 : 1;
  }
  const [left, right] = [codePoints(a), codePoints(b)];
  for (const [i, character] of left.entries()) {
    const other = right[i];
    if (other === undefined) return 1;
    const difference = (character.codePointAt(0) ?? 0) - (other.codePointAt(0) ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return -1;
}

/** @param side 'both', or the one that is stripped; `characters` null is white space */
export function strip(text: string, characters: string | null, side: 'left' | 'right' | 'both'): string {
  const points = codePoints(text);
  const isSpace = new RegExp(`^[${SPACE}]$`);
  const set = new Set(characters === null ? [] : codePoints(characters));
  const isStripped = (point: string | undefined): boolean =>
    point !== undefined && (characters === null ? isSpace.test(point) : set.has(point));
  let start = 0;
  let end = points.length;
  if (side !== 'right') while (start < end && isStripped(points[start])) start += 1;
  if (side !== 'left') while (end > start && isStripped(points[end - 1])) end -= 1;
  return points.slice(start, end).join('');
}

/** One character in title case, by the full mapping. */
function titleCharacter(character: string): string {
  // Letters that have a third form beside upper and lower case, or (Georgian) no capital at the start of a word.
  const digraph = /^[\u01c4-\u01cc\u01f1-\u01f3]$/.test(character);
  if (digraph) return TITLE_DIGRAPHS.get(character) ?? character;
  if (/^[\u10d0-\u10fa\u10fd-\u10ff]$/.test(character)) return character;
  if (character === '\u0149') return '\u02bcN';
  const upper = character.toUpperCase();
  const [first = '', ...rest] = upper;
  if (rest.length === 0) return upper;
  // A Greek iota below stays below.
  if (/^[\u1f80-\u1ffc]$/.test(character) && upper.endsWith('\u0399')) {
    const title = `${upper.slice(0, -1)}\u0345`;
    return rest.length === 1 ? title.normalize('NFC') : title;
  }
  return first + rest.join('').toLowerCase();
}

const TITLE_DIGRAPHS = new Map(
  ['\u01c4\u01c5\u01c6', '\u01c7\u01c8\u01c9', '\u01ca\u01cb\u01cc', '\u01f1\u01f2\u01f3'].flatMap((forms) =>
    Array.from(forms).map((form): [string, string] => [form, forms[1] ?? '']),
  ),
);

/** `str.capitalize`. */
export function capitalize(text: string): string {
  const points = codePoints(text);
  return points.map((point, i) => (i === 0 ? titleCharacter(point) : lowerAt(points, i))).join('');
}

/** One character in lower case: a sigma at the end of a word has a form of its own. */
function lowerAt(points: readonly string[], at: number): string {
  const character = points[at] ?? '';
  if (character !== '\u03a3') return character.toLowerCase();
  const isIgnored = (point: string | undefined): boolean => point !== undefined && /^\p{Case_Ignorable}$/u.test(point);
  let before = at - 1;
  while (isIgnored(points[before])) before -= 1;
  let after = at + 1;
  while (isIgnored(points[after])) after += 1;
  return isCased(points[before]) && !isCased(points[after]) ? '\u03c2' : '\u03c3';
}

/** `str.title`: a letter after one that has case is lower, another one is title case. */
export function title(text: string): string {
  const points = codePoints(text);
  return points.map((point, i) => (isCased(points[i - 1]) ? lowerAt(points, i) : titleCharacter(point))).join('');
}

function isCased(character: string | undefined): boolean {
  return character !== undefined && /^\p{Cased}$/u.test(character);
}

/** `str.isupper` and `str.islower`: no letter of the other case, and at least one of this. */
export function hasCase(text: string, wanted: 'upper' | 'lower'): boolean {
  const other = wanted === 'upper' ? /[\p{Lowercase}\p{Lt}]/u : /[\p{Uppercase}\p{Lt}]/u;
  const own = wanted === 'upper' ? /\p{Uppercase}/u : /\p{Lowercase}/u;
  return own.test(text) && !other.test(text);
}

export function swapCase(text: string): string {
  const points = codePoints(text);
  const swap = (point: string, i: number): string => {
    if (/^\p{Uppercase}$/u.test(point)) return lowerAt(points, i);
    return /^\p{Lowercase}$/u.test(point) ? point.toUpperCase() : point;
  };
  return points.map(swap).join('');
}

/** `str.istitle`. */
export function isTitle(text: string): boolean {
  let isInside = false;
  let hasWord = false;
  for (const character of codePoints(text)) {
    const isUpper = /^[\p{Uppercase}\p{Lt}]$/u.test(character);
    if (isUpper && isInside) return false;
    if (!isUpper && isCased(character) && !isInside) return false;
    isInside = isCased(character);
    hasWord ||= isInside;
  }
  return hasWord;
}
