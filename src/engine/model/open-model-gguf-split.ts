// A GGUF model in several files, as llama-gguf-split writes them: <stem>-0000N-of-0000M.gguf, each a file of its own
// with `split.no` (from 0), `split.count` and `split.tensors.count` (of all). The metadata of the first one counts.
import { RefuteError } from '../../errors.ts';
import { parseGguf, type GgufFile } from '../formats/gguf.ts';
import { MAX_SHARD_COUNT, shardNames } from '../formats/gguf-shard-names.ts';
import { firstOf, quoted, shownValue } from '../formats/quoted.ts';
import type { ByteSource } from '../io/byte-source.ts';
import type { Files } from '../io/files.ts';

export interface GgufShard {
  /** Of the file; '' of a whole model's. */
  name: string;
  source: ByteSource;
  file: GgufFile;
}

const KEYS = { no: 'split.no', count: 'split.count', tensors: 'split.tensors.count' } as const;

/**
 * The files of the model that `source` is a part of, in order; only itself where it says nothing of a split. Closes on
 * failure whatever it opened.
 *
 * @throws RefuteError as parseGguf and Files.open do, E_GGUF_SPLIT_KEY, E_GGUF_SPLIT_NAME, E_GGUF_SPLIT_MISSING,
 *   E_GGUF_SPLIT_FOREIGN, E_GGUF_SPLIT_TENSORS, E_GGUF_DUPLICATE_TENSOR
 */
export async function openShards(files: Files, source: ByteSource): Promise<GgufShard[]> {
  const file = await parseGguf(source);
  const count = numberOf({ name: '', source, file }, KEYS.count) ?? 1;
  if (count <= 1) return [{ name: '', source, file }];
  const { folder, name } = await files.split(source.path);
  const given: GgufShard = { name, source, file };
  const names = shardNames(name);
  if (names.length !== count || names.indexOf(name) !== numberOf(given, KEYS.no)) throw nameError(given, count);
  const there = new Set(await files.list(folder));
  const missing = names.filter((each) => !there.has(each));
  if (missing.length > 0) throw missingError(given, missing, count);
  const shards: GgufShard[] = [];
  try {
    for (const each of names) {
      shards.push(each === name ? given : await openShard(await files.open(await files.pathIn(folder, each)), each));
    }
    checkShards(shards);
    return shards;
  } catch (error) {
    await Promise.all(shards.filter((shard) => shard !== given).map((shard) => shard.source.close()));
    throw error;
  }
}

async function openShard(source: ByteSource, name: string): Promise<GgufShard> {
  try {
    return { name, source, file: await parseGguf(source) };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Are they of one split, and is every tensor there once? */
function checkShards(shards: readonly GgufShard[]): void {
  const [first] = shards as [GgufShard];
  const total = numberOf(first, KEYS.tensors);
  if (total === undefined) throw keyError(first, KEYS.tensors, undefined);
  const architecture = first.file.metadata.get('general.architecture');
  const holder = new Map<string, GgufShard>();
  for (const [no, shard] of shards.entries()) {
    const { metadata } = shard.file;
    const wanted = { [KEYS.no]: no, [KEYS.count]: shards.length, [KEYS.tensors]: total };
    for (const [key, value] of Object.entries(wanted)) {
      const found = numberOf(shard, key);
      const isLeftOut = found === undefined && key === KEYS.tensors;
      if (found !== value && !isLeftOut) throw foreignError(shard, key, metadata.get(key), value, first);
    }
    const own = metadata.get('general.architecture') ?? architecture;
    if (own !== architecture) throw foreignError(shard, 'general.architecture', own, architecture, first);
    for (const { name } of shard.file.tensors) {
      const other = holder.get(name);
      if (other !== undefined) throw duplicateError(shard, name, other);
      holder.set(name, shard);
    }
  }
  if (holder.size !== total) throw totalError(first, total, holder.size);
}

/** @throws RefuteError E_GGUF_SPLIT_KEY for anything else than a count */
function numberOf(shard: GgufShard, key: string): number | undefined {
  const value = shard.file.metadata.get(key);
  if (value === undefined) return undefined;
  const isCount = typeof value === 'number' && Number.isInteger(value) && value >= 0;
  if (!isCount || (key !== KEYS.tensors && value > MAX_SHARD_COUNT)) throw keyError(shard, key, value);
  return value;
}

function keyError({ source: { path } }: GgufShard, key: string, value: unknown): RefuteError {
  const is = value === undefined ? `there is no ${key}` : `${key} is ${shownValue(value)}`;
  const allowed = `a whole number is needed in the first file of a split model, up to ${MAX_SHARD_COUNT} for files`;
  return new RefuteError({ code: 'E_GGUF_SPLIT_KEY', place: path, is, allowed });
}

function nameError(shard: GgufShard, count: number): RefuteError {
  const no = numberOf(shard, KEYS.no);
  const is = `it is file ${no === undefined ? 'of unknown number' : no + 1} of ${count} of a split model by its metadata, and is named ${quoted(shard.name)}`;
  const digits = (n: number): string => String(n).padStart(5, '0');
  const allowed = `the others are found by its name, which must end in -${digits((no ?? 0) + 1)}-of-${digits(count)}.gguf`;
  const next = 'Give all files back the names that they were written under; files that were simply joined are no model';
  return new RefuteError({ code: 'E_GGUF_SPLIT_NAME', place: shard.source.path, is, allowed, next });
}

function missingError({ source: { path } }: GgufShard, missing: readonly string[], count: number): RefuteError {
  const is = `${firstOf(missing.map(quoted))} of ${count} files of the split model ${missing.length === 1 ? 'is' : 'are'} not beside it`;
  const next = 'Download the others into the same folder';
  return new RefuteError({ code: 'E_GGUF_SPLIT_MISSING', place: path, is, allowed: 'all are needed', next });
}

function foreignError(
  { source: { path } }: GgufShard,
  key: string,
  found: unknown,
  wanted: unknown,
  first: GgufShard,
): RefuteError {
  const is = `${key} is ${found === undefined ? 'absent' : shownValue(found)}`;
  const allowed = `beside ${quoted(first.name)} it must be ${shownValue(wanted)}`;
  const next = 'The file is of another model, or of another split of this one';
  return new RefuteError({ code: 'E_GGUF_SPLIT_FOREIGN', place: path, is, allowed, next });
}

function duplicateError({ source: { path } }: GgufShard, tensor: string, other: GgufShard): RefuteError {
  const is = `tensor ${quoted(tensor)} is also in ${quoted(other.name)}`;
  const next = 'One of the files is of another split';
  return new RefuteError({ code: 'E_GGUF_DUPLICATE_TENSOR', place: path, is, allowed: 'it must be in one file', next });
}

function totalError({ source: { path } }: GgufShard, total: number, found: number): RefuteError {
  const is = `the files of the split model hold ${found} tensors`;
  const allowed = `${KEYS.tensors} says ${total}`;
  const next = 'One of the files is of another split';
  return new RefuteError({ code: 'E_GGUF_SPLIT_TENSORS', place: path, is, allowed, next });
}
