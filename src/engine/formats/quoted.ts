// Text and values out of a hostile file on their way into a message.

const MAX_SHOWN_CHARACTERS = 80;
const MAX_SHOWN_ELEMENTS = 8;
/** Controls, format characters (bidi overrides too), lone surrogates, private use: a terminal may act on them. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

/** `"text"` with unprintable characters escaped and the middle left out when long. */
export function quoted(text: string): string {
  const shown =
    text.length <= MAX_SHOWN_CHARACTERS ? text : `${text.slice(0, MAX_SHOWN_CHARACTERS - 12)}…${text.slice(-11)}`;
  return JSON.stringify(shown).replaceAll(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** The first of many, as they are to be shown, and how many more there are: `"a", "b" and 3 more`. */
export function firstOf(shown: readonly string[], most = 4): string {
  const more = shown.length > most ? ` and ${shown.length - most} more` : '';
  return `${shown.slice(0, most).join(', ')}${more}`;
}

/** A metadata value: text quoted, numbers as they are, the first elements of an array and its length. */
export function shownValue(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return value.toString();
  if (!Array.isArray(value)) return typeof value;
  const more = value.length > MAX_SHOWN_ELEMENTS ? ', …' : '';
  return `[${value.slice(0, MAX_SHOWN_ELEMENTS).map(shownElement).join(', ')}${more}] (${value.length} elements)`;
}

/** One level is enough: arrays within arrays are only named. */
function shownElement(value: unknown): string {
  return Array.isArray(value) ? '[…]' : shownValue(value);
}
