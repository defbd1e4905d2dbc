// The key-value part of a GGUF header: key | type | value, values nested in arrays.
import type { GgufCursor } from './gguf-cursor.ts';
import { MAX_ARRAY_DEPTH, MAX_ARRAY_ELEMENTS, MAX_KEY_BYTES, MAX_STRING_BYTES } from './gguf-limits.ts';
import { GGUF_VALUE_TYPES, MIN_VALUE_BYTES, type GgufValueType } from './gguf-types.ts';
import { quoted } from './quoted.ts';

/** A 64-bit integer is a number where that is exact, else a bigint. */
export type GgufValue = number | bigint | boolean | string | GgufValue[];

export interface GgufEntry {
  key: string;
  type: GgufValueType;
  /** Type of an array's elements; null for anything else. */
  elementType: GgufValueType | null;
  value: GgufValue;
}

/** Array elements are read in batches, so that a long array needs no window of its own length. */
const BATCH_ELEMENTS = 8_192;

/**
 * Reads `entryCount` entries from the cursor.
 *
 * @throws RefuteError E_GGUF_DUPLICATE_KEY and those of strings, arrays and types below
 */
export async function readEntries(cursor: GgufCursor, entryCount: number): Promise<GgufEntry[]> {
  const entries: GgufEntry[] = [];
  const seen = new Set<string>();
  const budget = { elements: MAX_ARRAY_ELEMENTS };
  for (let i = 0; i < entryCount; i += 1) {
    const key = await readString(cursor, MAX_KEY_BYTES, true, `metadata key ${i}`);
    if (seen.has(key)) throw cursor.error('E_GGUF_DUPLICATE_KEY', `metadata key ${quoted(key)} occurs twice`);
    seen.add(key);
    const place = `metadata ${quoted(key)}`;
    const type = await readType(cursor, place);
    if (type === 'array') {
      const { elementType, value } = await readArray(cursor, place, 1, budget);
      entries.push({ key, type, elementType, value });
    } else {
      entries.push({ key, type, elementType: null, value: await readScalar(cursor, type, place) });
    }
  }
  return entries;
}

/** @throws RefuteError E_GGUF_STRING_LENGTH above the limit, E_GGUF_STRING_PAST_END above what the file holds */
export async function readString(cursor: GgufCursor, limit: number, isName: boolean, what: string): Promise<string> {
  if (!cursor.has(8)) await cursor.need(8, what);
  const byteLength = takeLength(cursor, limit, what);
  if (!cursor.has(byteLength)) await cursor.need(byteLength, what);
  return cursor.text(byteLength, isName, what);
}

/** As readString, without a promise for each of a vocabulary's strings. */
async function readStrings(cursor: GgufCursor, count: number, what: string, into: GgufValue[]): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    if (!cursor.has(8)) await cursor.need(8, what);
    const byteLength = takeLength(cursor, MAX_STRING_BYTES, what);
    if (!cursor.has(byteLength)) await cursor.need(byteLength, what);
    into.push(cursor.text(byteLength, false, what));
  }
}

function takeLength(cursor: GgufCursor, limit: number, what: string): number {
  const claimed = cursor.u64();
  if (claimed > BigInt(limit)) {
    throw cursor.error('E_GGUF_STRING_LENGTH', `${what} claims ${claimed} bytes`, {
      allowed: `at most ${limit} are allowed`,
    });
  }
  const byteLength = Number(claimed);
  if (byteLength > cursor.remainingBytes) {
    const is = `${what} claims ${byteLength} bytes, the file has ${cursor.remainingBytes} left`;
    throw cursor.error('E_GGUF_STRING_PAST_END', is, { next: 'A download was probably cut short' });
  }
  return byteLength;
}

async function readType(cursor: GgufCursor, what: string): Promise<GgufValueType> {
  await cursor.need(4, what);
  const id = cursor.u32();
  const type = GGUF_VALUE_TYPES[id];
  if (type !== undefined) return type;
  throw cursor.error('E_GGUF_VALUE_TYPE', `${what} has value type ${id}`, {
    allowed: `0 to ${GGUF_VALUE_TYPES.length - 1} exist`,
  });
}

async function readArray(
  cursor: GgufCursor,
  what: string,
  depth: number,
  budget: { elements: number },
): Promise<{ elementType: GgufValueType; value: GgufValue[] }> {
  if (depth > MAX_ARRAY_DEPTH) {
    throw cursor.error('E_GGUF_ARRAY_DEPTH', `${what} nests arrays more than ${MAX_ARRAY_DEPTH} deep`);
  }
  const elementType = await readType(cursor, `the elements of ${what}`);
  await cursor.need(8, what);
  const claimed = cursor.u64();
  if (claimed > BigInt(budget.elements)) {
    throw cursor.error('E_GGUF_ARRAY_LENGTH', `${what} claims ${claimed} elements`, {
      allowed: `all arrays of a file together may have ${MAX_ARRAY_ELEMENTS}`,
    });
  }
  const count = Number(claimed);
  if (count * MIN_VALUE_BYTES[elementType] > cursor.remainingBytes) {
    const is = `${what} claims ${count} elements, the file has ${cursor.remainingBytes} bytes left`;
    throw cursor.error('E_GGUF_ARRAY_PAST_END', is, { next: 'A download was probably cut short' });
  }
  budget.elements -= count;
  const value: GgufValue[] = [];
  if (elementType === 'array') {
    for (let i = 0; i < count; i += 1) value.push((await readArray(cursor, what, depth + 1, budget)).value);
  } else if (elementType === 'string') {
    await readStrings(cursor, count, what, value);
  } else {
    await readNumbers(cursor, elementType, count, what, value);
  }
  return { elementType, value };
}

async function readNumbers(
  cursor: GgufCursor,
  type: Exclude<GgufValueType, 'array' | 'string'>,
  count: number,
  what: string,
  into: GgufValue[],
): Promise<void> {
  const width = MIN_VALUE_BYTES[type];
  for (let done = 0; done < count; done += BATCH_ELEMENTS) {
    const batch = Math.min(BATCH_ELEMENTS, count - done);
    await cursor.need(batch * width, what);
    for (let i = 0; i < batch; i += 1) into.push(takeNumber(cursor, type, what));
  }
}

async function readScalar(cursor: GgufCursor, type: Exclude<GgufValueType, 'array'>, what: string): Promise<GgufValue> {
  if (type === 'string') return readString(cursor, MAX_STRING_BYTES, false, what);
  await cursor.need(MIN_VALUE_BYTES[type], what);
  return takeNumber(cursor, type, what);
}

function takeNumber(
  cursor: GgufCursor,
  type: Exclude<GgufValueType, 'array' | 'string'>,
  what: string,
): number | bigint | boolean {
  switch (type) {
    case 'u64':
      return exact(cursor.u64());
    case 'i64':
      return exact(cursor.i64());
    case 'bool': {
      const byte = cursor.u8();
      if (byte > 1)
        throw cursor.error('E_GGUF_BOOL', `${what} is the byte ${byte}`, { allowed: 'a truth value is 0 or 1' });
      return byte === 1;
    }
    case 'u8':
    case 'i8':
    case 'u16':
    case 'i16':
    case 'u32':
    case 'i32':
    case 'f32':
    case 'f64':
      return cursor[type]();
  }
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
