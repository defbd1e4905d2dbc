// A folder of safetensors with the files that Transformers keeps beside them, as a ModelFile: config.json,
// generation_config.json, tokenizer.json, tokenizer_config.json, chat_template.jinja.
import { RefuteError } from '../../errors.ts';
import { ARCHITECTURES } from '../architectures/registry.ts';
import { findModelType } from '../config/hf-keys.ts';
import { canonicalName, transformersName } from '../config/hf-names.ts';
import { flattened, readJsonFile, type JsonFileLimits } from '../formats/json-file.ts';
import { firstOf, quoted, shownValue } from '../formats/quoted.ts';
import {
  checkShards,
  isPlainName,
  readShardIndex,
  type CheckedShards,
  type ShardIndex,
} from '../formats/safetensors-index.ts';
import { MAX_INDEX_BYTES, MAX_TENSORS } from '../formats/safetensors-limits.ts';
import { parseSafetensors, type SafetensorsFile } from '../formats/safetensors.ts';
import { StoredWeights, type StoredTensor } from './stored-weights.ts';
import type { ByteSource } from '../io/byte-source.ts';
import type { Files } from '../io/files.ts';
import { sha256Files } from '../io/sha256.ts';
import type { ModelFile } from './model-file.ts';
import type { Notice } from '../../notice.ts';
import type { FileEntry } from './model.ts';
import { besideNotices, INDEX_NAME, SINGLE_NAME } from './open-model-folder.ts';
import { configFromHf } from '../config/config-from-hf.ts';
import { readHfTokenizer } from '../text/hf-tokenizer.ts';
import { createTextModel } from '../text/create-text-model.ts';

/** The largest config.json in use has some kilobytes. */
const CONFIG_LIMITS: JsonFileLimits = { maxBytes: 2 ** 22, maxValues: 2 ** 18 };
/** One value a tensor. */
const INDEX_LIMITS: JsonFileLimits = { maxBytes: MAX_INDEX_BYTES, maxValues: 2 * MAX_TENSORS };

interface OpenShard {
  name: string;
  source: ByteSource;
  file: SafetensorsFile;
}

export interface SafetensorsFolder {
  files: Files;
  /** As it was given: the folder, or one of its files. */
  path: string;
  folder: string;
  /** Names of all entries of the folder. */
  names: readonly string[];
  /** Names of the files that hold tensors; null where the index says them. */
  shards: readonly string[] | null;
  /** Name of the file that was asked for; null: the folder was. */
  given: string | null;
  notices: readonly Notice[];
}

/** @throws RefuteError as Files.open, readJsonFile, parseSafetensors and checkShards do, E_FOLDER_NO_CONFIG */
export async function readSafetensorsFolder(of: SafetensorsFolder): Promise<ModelFile> {
  const { files, path, folder, names } = of;
  if (!names.includes('config.json')) {
    const is = 'there is no config.json beside the tensors';
    const allowed = 'numbers that change the forward pass are in it, and none would be safe to guess';
    throw new RefuteError({ code: 'E_FOLDER_NO_CONFIG', place: path, is, allowed });
  }
  const configPath = await files.pathIn(folder, 'config.json');
  const config = await readJsonFile(files, configPath, CONFIG_LIMITS);
  const { index, shardNames, notices: chosen } = await chooseShards(of, config.get('transformers_weights'));
  const opened: OpenShard[] = [];
  try {
    for (const name of shardNames) {
      const source = await files.open(await files.pathIn(folder, name));
      opened.push({ name, source, file: { dataOffset: 0, metadata: new Map(), tensors: [] } });
      (opened.at(-1) as OpenShard).file = await parseSafetensors(source);
    }
    const shards = opened.map(({ name, file: { tensors } }) => ({ name, tensors }));
    const { stale, notices } = checkShards(path, index, shards);
    const type = findModelType(ARCHITECTURES, config.get('model_type'));
    const tensors = storedTensors(path, opened, stale, type);
    const nameInFile = namesInFile(tensors, type);
    const metadata = flattened(config);
    const generation = names.includes('generation_config.json')
      ? flattened(await readJsonFile(files, await files.pathIn(folder, 'generation_config.json'), CONFIG_LIMITS))
      : new Map<string, unknown>();
    const text = await readHfTokenizer({ files, folder, names, config: metadata, generation });
    return {
      path,
      files,
      entryPath: path,
      format: 'safetensors',
      formatText: opened.length === 1 ? 'safetensors' : `safetensors, ${opened.length} files`,
      container:
        opened.length === 1 ? { version: null, alignment: null, dataOffset: opened[0]?.file.dataOffset ?? 0 } : null,
      byteLength: opened.reduce((sum, { source }) => sum + source.byteLength, 0),
      entries: [
        ...entriesOf('config', metadata),
        ...entriesOf('generation_config', generation),
        ...fileEntries(opened),
      ],
      metadata,
      tokenizer: text.keys,
      tensors,
      notices: [...of.notices, ...chosen, ...besideNotices(names, shardNames), ...notices],
      weights: new StoredWeights(path, tensors),
      nameInFile,
      readConfig: () => configFromHf({ path: configPath, metadata, tensors, nameInFile }, ARCHITECTURES),
      readText: (notify) => createTextModel(text.keys, notify, { tokenizer: text.tokenizer }),
      sha256: (onProgress) => sha256Files(opened, onProgress),
      close: async () => void (await Promise.all(opened.map(({ source }) => source.close()))),
    };
  } catch (error) {
    await Promise.all(opened.map(({ source }) => source.close()));
    throw error;
  }
}

interface ChosenShards {
  index: ShardIndex | null;
  shardNames: readonly string[];
  notices: Notice[];
}

/** @param named what config.json says under transformers_weights, which Transformers goes by */
async function chooseShards(
  { files, folder, names, shards, given }: SafetensorsFolder,
  named: unknown,
): Promise<ChosenShards> {
  if (named !== undefined && named !== null && given === null) {
    if (typeof named !== 'string') throw namedError(folder, named);
    const isIndex = named.endsWith('.index.json');
    if (!isPlainName(isIndex ? named.slice(0, -'.index.json'.length) : named)) throw namedError(folder, named);
    const index = isIndex ? await readIndex(files, folder, named) : null;
    const message = `transformers_weights of config.json names ${quoted(named)}, which is read.`;
    return {
      index,
      shardNames: filesOf(index, [named]),
      notices: [{ severity: 'note', code: 'FOLDER-CHOICE', message }],
    };
  }
  if (shards !== null) return { index: null, shardNames: shards, notices: [] };
  const index = await readIndex(files, folder, INDEX_NAME);
  const shardNames = filesOf(index, []);
  if (given !== null) {
    return shardNames.includes(given)
      ? { index, shardNames, notices: [] }
      : { index: null, shardNames: [given], notices: [] };
  }
  if (!names.includes(SINGLE_NAME) || shardNames.includes(SINGLE_NAME)) return { index, shardNames, notices: [] };
  const message = `the folder holds ${quoted(SINGLE_NAME)} and an index of other files: the first is read, as Transformers does, ${firstOf(shardNames.map(quoted))} not.`;
  return { index: null, shardNames: [SINGLE_NAME], notices: [{ severity: 'warning', code: 'FOLDER-CHOICE', message }] };
}

function filesOf(index: ShardIndex | null, without: readonly string[]): readonly string[] {
  return index === null ? without : [...new Set(index.values())].toSorted();
}

function namedError(folder: string, named: unknown): RefuteError {
  const is = `transformers_weights of config.json is ${shownValue(named)}`;
  const allowed = 'the name of a .safetensors file in the same folder is needed, or of its index';
  return new RefuteError({ code: 'E_SAFETENSORS_INDEX_PATH', place: folder, is, allowed });
}

async function readIndex(files: Files, folder: string, name: string): Promise<ShardIndex> {
  const path = await files.pathIn(folder, name);
  return readShardIndex(path, await readJsonFile(files, path, INDEX_LIMITS));
}

type FoundType = ReturnType<typeof findModelType>;

/** Names of tensors that are there, and of those that a message misses. */
function namesInFile(tensors: readonly StoredTensor[], type: FoundType): ModelFile['nameInFile'] {
  const stored = new Map(tensors.map(({ name, storedName }) => [name, storedName ?? name]));
  const { hf, fused } = type?.architecture ?? {};
  const parts = Object.entries(type?.modelType.textPart?.tensors ?? {});
  const [part = '', plain = ''] =
    parts.find(([start]) => tensors.some(({ storedName }) => storedName?.startsWith(start))) ?? [];
  return (name) => {
    const theirs = stored.get(name) ?? transformersName(name, hf?.layerNames, fused);
    return !stored.has(name) && plain !== '' && theirs.startsWith(plain) ? part + theirs.slice(plain.length) : theirs;
  };
}

/** Under canonical names, in file order, experts stacked. */
function storedTensors(
  path: string,
  shards: readonly OpenShard[],
  stale: CheckedShards['stale'],
  type: FoundType,
): StoredTensor[] {
  const { layerNames } = type?.architecture.hf ?? {};
  const prefixes = type?.modelType.textPart?.tensors;
  const single = new Map<string, StoredTensor>();
  const stacks = new Map<string, Map<number, StoredTensor>>();
  for (const { name: file, source, file: parsed } of shards) {
    for (const { name: storedName, ...tensor } of parsed.tensors) {
      if (stale.get(file)?.has(storedName) === true) continue;
      const { name, expert } = canonicalName(storedName, layerNames, prefixes);
      const parts = [{ source, byteOffset: tensor.byteOffset, byteLength: tensor.byteLength }];
      const stored = { name, storedName, ...(shards.length > 1 ? { file } : {}), ...tensor, parts };
      if (expert === null) {
        const first = single.get(name);
        if (first !== undefined) throw twoNames(path, first.storedName ?? '', storedName);
        single.set(name, stored);
        continue;
      }
      const stack = stacks.get(name) ?? new Map<number, StoredTensor>();
      const first = stack.get(expert);
      if (first !== undefined) throw twoNames(path, first.storedName ?? '', storedName);
      stacks.set(name, stack.set(expert, stored));
    }
  }
  return [...single.values(), ...[...stacks].map(([name, stack]) => stacked(path, name, stack))];
}

/** `experts.1` and `experts.01`, for one. */
function twoNames(path: string, first: string, second: string): RefuteError {
  const is = `${quoted(first)} and ${quoted(second)} name the same tensor`;
  return new RefuteError({ code: 'E_SAFETENSORS_NAME', place: path, is, allowed: 'it must be there once' });
}

/** Experts from 0 without a gap, all of one type and shape. @throws RefuteError E_MODEL_EXPERTS */
function stacked(path: string, name: string, stack: ReadonlyMap<number, StoredTensor>): StoredTensor {
  const experts = [...stack].toSorted(([a], [b]) => a - b).map(([, tensor]) => tensor);
  const [first] = experts;
  const isSame = (tensor: StoredTensor): boolean =>
    tensor.typeLabel === first?.typeLabel && tensor.shape.join() === first.shape.join();
  if (first === undefined || !stack.has(experts.length - 1) || !experts.every(isSame)) {
    const is = `the experts beside ${quoted(first?.storedName ?? name)} are numbered with gaps, or differ in type or shape`;
    throw new RefuteError({ code: 'E_MODEL_EXPERTS', place: path, is, allowed: 'they are read as one stack' });
  }
  const parts = experts.flatMap((tensor) => tensor.parts);
  const byteLength = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const shape = [experts.length, ...first.shape];
  return { ...first, shape, elementCount: experts.length * first.elementCount, byteLength, parts };
}

function entriesOf(file: string, metadata: ReadonlyMap<string, unknown>): FileEntry[] {
  return [...metadata].map(([key, value]) => ({ key: `${file}.${key}`, type: typeOf(value), value }));
}

function fileEntries(shards: readonly OpenShard[]): FileEntry[] {
  return shards.flatMap(({ name, file }) =>
    [...file.metadata].map(([key, value]) => ({ key: `${name}.${key}`, type: 'string', value })),
  );
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'list' : typeof value;
}
