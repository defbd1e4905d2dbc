// Equality of plain data: objects, lists and primitives, as a Program is. Not of maps, classes or typed arrays.

/** NaN equals NaN; 0 and -0 differ; an entry that is undefined differs from one that is not there. */
export function isSamePlain(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  const [keysA, keysB] = [Object.keys(a), Object.keys(b)];
  if (Array.isArray(a) !== Array.isArray(b) || keysA.length !== keysB.length) return false;
  return keysA.every((key) => Object.hasOwn(b, key) && isSamePlain((a as Plain)[key], (b as Plain)[key]));
}

type Plain = Readonly<Record<string, unknown>>;
