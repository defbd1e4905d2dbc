// Compares the key-value data of two model files: every key of either, every value in full. Of a difference it keeps
// what a person needs to see it: in a vocabulary or a chat template that is the first place where the two part.

/** A value short enough to show. Absent: the file does not have the key, or the list ended before. */
export type MetadataPreview = string | number | bigint | boolean | { elementCount: number; first: MetadataPreview[] };

export interface MetadataDifference {
  key: string;
  /** Within two texts or two lists, the index from which they differ; then a and b are what stands there. */
  from?: { unit: 'character' | 'value'; index: number };
  a?: MetadataPreview;
  b?: MetadataPreview;
}

type Metadata = ReadonlyMap<string, unknown>;

/** In the order of A's keys, then those that only B has. */
export function compareMetadata(a: Metadata, b: Metadata): MetadataDifference[] {
  const keys = new Set([...a.keys(), ...b.keys()]);
  return [...keys].flatMap((key): MetadataDifference[] => {
    if (a.has(key) && b.has(key)) {
      const [x, y] = [a.get(key), b.get(key)];
      return isSame(x, y) ? [] : [{ key, ...difference(x, y) }];
    }
    return [{ key, ...sides(a.get(key), b.get(key)) }];
  });
}

function difference(a: unknown, b: unknown): Omit<MetadataDifference, 'key'> {
  if (typeof a === 'string' && typeof b === 'string') {
    const index = firstDifference(a, b);
    return { from: { unit: 'character', index }, a: preview(a.slice(index)), b: preview(b.slice(index)) };
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    const index = firstDifference(a, b);
    return { from: { unit: 'value', index }, ...sides(a[index], b[index]) };
  }
  return sides(a, b);
}

function sides(a: unknown, b: unknown): Pick<MetadataDifference, 'a' | 'b'> {
  return { ...(a === undefined ? {} : { a: preview(a) }), ...(b === undefined ? {} : { b: preview(b) }) };
}

/** Index of the first unequal element, or the shorter length. A plain loop: a vocabulary has 150,000 values. */
function firstDifference(a: ArrayLike<unknown>, b: ArrayLike<unknown>): number {
  let index = 0;
  while (index < a.length && index < b.length && isSame(a[index], b[index])) index += 1;
  return index;
}

function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && firstDifference(a, b) === a.length;
  return Object.is(a, b);
}

const TEXT_LIMIT = 60;
const LIST_LIMIT = 3;

/** The value itself where it is short, else its beginning and its length. */
export function preview(value: unknown): MetadataPreview {
  if (Array.isArray(value)) {
    return { elementCount: value.length, first: value.slice(0, LIST_LIMIT).map(preview) };
  }
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return value;
  const text = String(value);
  return text.length <= TEXT_LIMIT ? text : `${text.slice(0, TEXT_LIMIT)}… (${text.length} characters)`;
}
