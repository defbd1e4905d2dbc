// Numbers as people write them: the one rule for every option, list of ids or layers, environment variable and file
// that holds some. Decimal digits 0 to 9; no blanks, no plus sign, no other base, nothing that a double would change.

/** Digits only: `0`, `12`. Null for anything else, and above 2^53 − 1, where not every number is a double. */
export function parseWhole(text: string): number | null {
  if (!/^[0-9]+$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

/**
 * A decimal fraction, with an exponent if need be: `0.7`, `.7`, `-2`, `1e-3`. Null for anything else, for what is too
 * large for a double, and for what is so small that it would become 0.
 */
export function parseDecimal(text: string): number | null {
  if (!/^-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:e[-+]?[0-9]+)?$/i.test(text)) return null;
  const value = Number(text);
  if (!Number.isFinite(value)) return null;
  const [significand = ''] = text.toLowerCase().split('e');
  return value === 0 && /[1-9]/.test(significand) ? null : value;
}

/**
 * Does every reader take this number for what its author wrote? Decimal, without a leading 0 (octal to some) and with
 * no more whole digits than a double keeps.
 */
export function isReadAsWritten(text: string): boolean {
  const value = parseDecimal(text);
  if (value === null || /^-?0[0-9]/.test(text)) return false;
  return !/^-?[0-9]+$/.test(text) || Number.isSafeInteger(value);
}
