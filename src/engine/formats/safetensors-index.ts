// `model.safetensors.index.json`: which file of a split model holds which tensor. The list is checked against the
// files; a name that leads out of the folder is refused before anything is opened.
import { RefuteError } from '../../errors.ts';
import type { Notice } from '../../notice.ts';
import { isJsonObject } from './json-file.ts';
import { firstOf, quoted, shownValue } from './quoted.ts';
import { MAX_SHARDS, MAX_TENSORS } from './safetensors-limits.ts';
import type { JsonObject } from './strict-json.ts';

/** A file of a split model: its name in the folder, and the tensors that it holds. */
export interface Shard {
  name: string;
  tensors: readonly { name: string; byteLength: number }[];
}

/** By tensor name: the file that is said to hold it. */
export type ShardIndex = ReadonlyMap<string, string>;

/**
 * @param path of the index, for messages
 * @throws RefuteError E_SAFETENSORS_INDEX (no weight_map, or one that does not list names), E_SAFETENSORS_INDEX_PATH
 */
export function readShardIndex(path: string, index: JsonObject): ShardIndex {
  const map = index.get('weight_map');
  const wrong = (is: string): RefuteError =>
    new RefuteError({
      code: 'E_SAFETENSORS_INDEX',
      place: path,
      is,
      allowed: 'weight_map names a file for each tensor',
    });
  if (!isJsonObject(map) || map.size === 0) throw wrong('it has no weight_map');
  if (map.size > MAX_TENSORS) throw wrong(`weight_map names ${map.size} tensors, more than ${MAX_TENSORS}`);
  const shardOf = new Map<string, string>();
  for (const [tensor, file] of map) {
    if (typeof file !== 'string') throw wrong(`the file of ${quoted(tensor)} is ${shownValue(file)}`);
    if (!isPlainName(file)) {
      const is = `tensor ${quoted(tensor)} is said to be in ${quoted(file)}`;
      const allowed = 'the name of a .safetensors file in the same folder is needed';
      throw new RefuteError({ code: 'E_SAFETENSORS_INDEX_PATH', place: path, is, allowed });
    }
    shardOf.set(tensor, file);
  }
  const fileCount = new Set(shardOf.values()).size;
  if (fileCount > MAX_SHARDS) throw wrong(`weight_map names ${fileCount} files, more than ${MAX_SHARDS}`);
  return shardOf;
}

/** Of a file in the same folder: no drive, no `..`, no NUL. */
export function isPlainName(name: string): boolean {
  return /^[^/\\:\0]+\.safetensors$/.test(name) && !name.startsWith('.');
}

/** What the index says of the files beside it. */
export interface CheckedShards {
  /** By file: names of tensors that are read from another one. */
  stale: ReadonlyMap<string, ReadonlySet<string>>;
  notices: Notice[];
}

/**
 * Holds the index against the files. Where a tensor is in several, the index says which is read.
 *
 * @throws RefuteError E_SAFETENSORS_INDEX_TENSOR (a tensor is not where the index says), E_SAFETENSORS_SHARD_DUPLICATE
 *   (in several files, and no index says in which)
 */
export function checkShards(path: string, index: ShardIndex | null, shards: readonly Shard[]): CheckedShards {
  const foundIn = new Map<string, string[]>();
  for (const { name: shard, tensors } of shards) {
    for (const { name } of tensors) foundIn.set(name, [...(foundIn.get(name) ?? []), shard]);
  }
  for (const [tensor, shard] of index ?? []) {
    const found = foundIn.get(tensor) ?? [];
    if (found.includes(shard)) continue;
    const where = found[0] === undefined ? 'no file has it' : `it is in ${quoted(found[0])}`;
    const is = `tensor ${quoted(tensor)} is said to be in ${quoted(shard)}, and ${where}`;
    const next = 'A file is of another model, or of another version of this one';
    throw new RefuteError({ code: 'E_SAFETENSORS_INDEX_TENSOR', place: path, is, next });
  }
  const stale = new Map<string, Set<string>>(shards.map(({ name }) => [name, new Set()]));
  for (const [tensor, found] of foundIn) {
    if (found.length === 1) continue;
    const chosen = index?.get(tensor);
    if (chosen === undefined) throw duplicateError(path, tensor, found);
    for (const shard of found) if (shard !== chosen) stale.get(shard)?.add(tensor);
  }
  const unlisted = index === null ? [] : [...foundIn.keys()].filter((name) => !index.has(name));
  return { stale, notices: [...staleNotices(stale, index), ...unlistedNotices(unlisted)] };
}

function duplicateError(path: string, tensor: string, found: readonly string[]): RefuteError {
  const is = `tensor ${quoted(tensor)} is in ${found.slice(0, 4).map(quoted).join(' and ')}`;
  const allowed = 'it must be in one, or the index must say in which';
  return new RefuteError({ code: 'E_SAFETENSORS_SHARD_DUPLICATE', place: path, is, allowed });
}

function staleNotices(stale: CheckedShards['stale'], index: ShardIndex | null): Notice[] {
  return [...stale].flatMap(([shard, tensors]): Notice[] => {
    if (tensors.size === 0) return [];
    const shown = [...tensors].map((name) => `${quoted(name)} (read from ${quoted(index?.get(name) ?? '')})`);
    const message = `${quoted(shard)} has other copies of ${firstOf(shown)}, which the index does not name and nothing reads. Transformers takes the copy in the last file.`;
    return [{ severity: 'warning', code: 'SAFETENSORS-STALE', message }];
  });
}

function unlistedNotices(unlisted: readonly string[]): Notice[] {
  if (unlisted.length === 0) return [];
  const message = `the index does not list all tensors that the files hold: ${firstOf(unlisted.map(quoted))}.`;
  return [{ severity: 'warning', code: 'SAFETENSORS-UNLISTED', message }];
}
