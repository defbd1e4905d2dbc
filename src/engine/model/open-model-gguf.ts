// Open GGUF files as a ModelFile. One file holds everything: config, tokenizer, weights; of several, the first one the
// config and the tokenizer.
import { firstOf, quoted } from '../formats/quoted.ts';
import { StoredWeights, type StoredTensor } from './stored-weights.ts';
import type { ByteSource } from '../io/byte-source.ts';
import type { Files } from '../io/files.ts';
import { sha256Files } from '../io/sha256.ts';
import type { ModelFile } from './model-file.ts';
import type { Notice } from '../../notice.ts';
import { ARCHITECTURES, bosSpellings } from '../architectures/registry.ts';
import { configFromGguf } from '../config/config-from-gguf.ts';
import { createTextModel } from '../text/create-text-model.ts';
import { openShards, type GgufShard } from './open-model-gguf-split.ts';

/** @param source of any file of the model. @throws RefuteError as openShards does */
export async function readGgufFile(files: Files, source: ByteSource): Promise<ModelFile> {
  const { path } = source;
  const shards = await openShards(files, source);
  const [{ source: entry, file }, ...others] = shards as [GgufShard, ...GgufShard[]];
  const { version, dataOffset, alignment, metadata } = file;
  const tensors = shards.flatMap((shard) => tensorsOf(shard, shards.length > 1));
  return {
    path,
    files,
    entryPath: entry.path,
    format: 'gguf',
    formatText: others.length === 0 ? `GGUF ${version}` : `GGUF ${version}, ${shards.length} files`,
    container: others.length === 0 ? { version, alignment, dataOffset } : null,
    byteLength: shards.reduce((sum, shard) => sum + shard.source.byteLength, 0),
    entries: file.entries.map(({ key, type, elementType, value }) => ({
      key,
      type: elementType === null ? type : `${elementType}[]`,
      value,
    })),
    metadata,
    tokenizer: metadata,
    tensors,
    notices: [...brokenStrings(shards), ...passedOver(others, metadata)],
    weights: new StoredWeights(path, tensors),
    nameInFile: (name) => name,
    readConfig: () => configFromGguf({ path, metadata, tensors }, ARCHITECTURES),
    readText: (notify) => createTextModel(metadata, notify, { bosSpellings: bosSpellings(metadata) }),
    sha256: (onProgress) => sha256Files(shards, onProgress),
    close: async () => void (await Promise.all(shards.map((shard) => shard.source.close()))),
  };
}

function tensorsOf({ name, source, file }: GgufShard, isShard: boolean): StoredTensor[] {
  return file.tensors.map(({ ggmlId: _id, ...tensor }) => ({
    ...tensor,
    ...(isShard ? { file: name } : {}),
    parts: tensor.byteLength === null ? [] : [{ source, byteOffset: tensor.byteOffset, byteLength: tensor.byteLength }],
  }));
}

function brokenStrings(shards: readonly GgufShard[]): Notice[] {
  const count = shards.reduce((sum, { file }) => sum + file.brokenStringCount, 0);
  if (count === 0) return [];
  const message = `${count} metadata strings are not UTF-8; their bytes are kept and shown as U+FFFD.`;
  return [{ severity: 'warning', code: 'METADATA-UTF8', message }];
}

/** About a file as such, not about the model. */
const OWN_KEYS = /^(split\.|general\.alignment$)/;

/** What a later file says and the first one does not: llama.cpp reads the first one's only. */
function passedOver(others: readonly GgufShard[], metadata: ReadonlyMap<string, unknown>): Notice[] {
  return others.flatMap(({ name, file }): Notice[] => {
    const isPassedOver = (key: string, value: unknown): boolean =>
      !OWN_KEYS.test(key) && JSON.stringify(value, text) !== JSON.stringify(metadata.get(key), text);
    const keys = file.entries.filter(({ key, value }) => isPassedOver(key, value)).map(({ key }) => key);
    if (keys.length === 0) return [];
    const message = `${quoted(name)} has ${firstOf(keys.map(quoted))}, which only count in the first file of a split model.`;
    return [{ severity: 'warning', code: 'SPLIT-METADATA', message }];
  });
}

function text(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}
