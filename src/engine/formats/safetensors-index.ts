// `model.safetensors.index.json`: which file of a split model holds which tensor. The list is checked against the
// files; a name that leads out of the folder is refused before anything is opened.
import { RefuteError } from '../../errors.ts';
import type { Notice } from '../../notice.ts';
import { isJsonObject } from './json-file.ts';
import { quoted, shownValue } from './quoted.ts';
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

/** No folder, no drive, no `..`, no NUL. */
function isPlainName(name: string): boolean {
  return /^[^/\\:\0]+\.safetensors$/.test(name) && !name.startsWith('.');
}

/**
 * Holds the index against the files.
 *
 * @throws RefuteError E_SAFETENSORS_INDEX_TENSOR (a tensor is not where the index says), E_SAFETENSORS_SHARD_DUPLICATE
 */
export function checkShards(path: string, index: ShardIndex | null, shards: readonly Shard[]): Notice[] {
  const foundIn = new Map<string, string>();
  for (const { name: shard, tensors } of shards) {
    for (const { name } of tensors) {
      const first = foundIn.get(name);
      if (first !== undefined) {
        const is = `tensor ${quoted(name)} is in ${quoted(first)} and in ${quoted(shard)}`;
        throw new RefuteError({ code: 'E_SAFETENSORS_SHARD_DUPLICATE', place: path, is, allowed: 'it must be in one' });
      }
      foundIn.set(name, shard);
    }
  }
  if (index === null) return [];
  for (const [tensor, shard] of index) {
    if (foundIn.get(tensor) === shard) continue;
    const is = `tensor ${quoted(tensor)} is said to be in ${quoted(shard)} and is not`;
    const next = 'A shard is of another model, or of another version of this one';
    throw new RefuteError({ code: 'E_SAFETENSORS_INDEX_TENSOR', place: path, is, next });
  }
  const unlisted = [...foundIn.keys()].filter((name) => !index.has(name));
  if (unlisted.length === 0) return [];
  const shown = unlisted.slice(0, 4).map(quoted).join(', ');
  const message = `the index does not list ${unlisted.length} tensors that the files hold: ${shown}.`;
  return [{ severity: 'warning', code: 'SAFETENSORS-UNLISTED', message }];
}
