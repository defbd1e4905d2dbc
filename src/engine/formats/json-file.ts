// A small JSON file in memory, read strictly: the config files beside a model's weights.
import { RefuteError } from '../../errors.ts';
import type { Files } from '../io/files.ts';
import { readWholeFile } from '../io/read-whole.ts';
import { assertOwnText } from './magic.ts';
import { parseStrictJson, type JsonObject, type JsonValue } from './strict-json.ts';

export interface JsonFileLimits {
  maxBytes: number;
  maxValues: number;
}

/** The deepest config in use has 6 levels. */
const MAX_DEPTH = 64;

/**
 * @throws RefuteError as readWholeFile and parseStrictJson do, E_JSON_UTF8, E_JSON_OBJECT (its value is not an object)
 */
export async function readJsonFile(
  files: Files,
  path: string,
  { maxBytes, maxValues }: JsonFileLimits,
): Promise<JsonObject> {
  const text = await readTextFile(files, path, maxBytes);
  const value = parseStrictJson(text, { place: path, maxDepth: MAX_DEPTH, maxValues, hasPythonNumbers: true });
  if (isJsonObject(value)) return value;
  throw new RefuteError({ code: 'E_JSON_OBJECT', place: path, is: 'its value is not an object' });
}

/**
 * UTF-8, a byte order mark dropped unless `keepsMark`.
 *
 * @throws RefuteError as readWholeFile and assertOwnText do, E_JSON_UTF8
 */
export async function readTextFile(
  files: Files,
  path: string,
  maxBytes: number,
  { keepsMark = false }: { keepsMark?: boolean } = {},
): Promise<string> {
  const bytes = await readWholeFile(files, path, maxBytes);
  const text = textOf(bytes, keepsMark);
  if (text === null) throw new RefuteError({ code: 'E_JSON_UTF8', place: path, is: 'it is not UTF-8' });
  assertOwnText(path, text);
  return text;
}

function textOf(bytes: Uint8Array, keepsMark: boolean): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: keepsMark }).decode(bytes);
  } catch {
    return null;
  }
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return value instanceof Map;
}

/** Nested objects as `outer.inner` keys; arrays stay values, objects in them plain text of their length. */
export function flattened(object: JsonObject, prefix = ''): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  for (const [key, value] of object) {
    if (!isJsonObject(value)) flat.set(prefix + key, value);
    else for (const [inner, leaf] of flattened(value, `${prefix}${key}.`)) flat.set(inner, leaf);
  }
  return flat;
}
