// Path -> ModelFile: a folder, or one file, read by the format that its first bytes say.
import type { ByteSource } from '../io/byte-source.ts';
import { listFolder, pathIn, splitPath } from '../io/list-folder.ts';
import { openFile } from '../io/open-file.ts';
import { readFormat, type FormatName } from '../formats/magic.ts';
import type { ModelFile } from './model-file.ts';
import { chooseInFolder, isShardName } from './open-model-folder.ts';
import { readGgufFile } from './open-model-gguf.ts';
import { readSafetensorsFolder } from './open-model-safetensors.ts';

/** Anything else goes to the reader of GGUF, which says what it found instead. */
const READERS: Partial<Record<FormatName, (source: ByteSource) => Promise<ModelFile>>> = {
  gguf: readGgufFile,
  safetensors: readBesideConfig,
};

/**
 * Opens the files of a model. Whoever asks closes.
 *
 * @throws RefuteError as openFile, chooseInFolder, readGgufFile and readSafetensorsFolder do
 */
export async function openModelFile(path: string): Promise<ModelFile> {
  const names = await listFolder(path);
  return names === null ? openModelFileSource(await openFile(path)) : openFolder(path, names);
}

/** As `openModelFile`, of one file that is open already and is closed with the model, also when this throws. */
export async function openModelFileSource(source: ByteSource): Promise<ModelFile> {
  try {
    const read = READERS[await readFormat(source)] ?? readGgufFile;
    return await read(source);
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** What the tensors mean is in the files beside them. */
async function readBesideConfig(source: ByteSource): Promise<ModelFile> {
  const { path } = source;
  const { folder, name } = await splitPath(path);
  const names = (await listFolder(folder)) ?? [];
  // A part of several stands for all, as in a folder: the others are beside it.
  const choice = isShardName(name) ? chooseInFolder(folder, names) : null;
  const isPart = choice?.kind === 'safetensors' && (choice.shards === null || choice.shards.includes(name));
  const shards = isPart ? choice.shards : [name];
  const file = await readSafetensorsFolder({ path, folder, names, shards, given: name, notices: [] });
  await source.close();
  return file;
}

async function openFolder(path: string, names: readonly string[]): Promise<ModelFile> {
  const choice = chooseInFolder(path, names);
  if (choice.kind === 'safetensors') {
    const { shards, notices } = choice;
    return readSafetensorsFolder({ path, folder: path, names, shards, given: null, notices });
  }
  const file = await openModelFileSource(await openFile(await pathIn(path, choice.name)));
  return { ...file, path, notices: [...choice.notices, ...file.notices] };
}
