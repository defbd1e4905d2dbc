// Path -> ModelFile: a folder, or one file, read by the format that its first bytes say.
import type { ByteSource } from '../io/byte-source.ts';
import { DISK } from '../io/disk.ts';
import type { Files } from '../io/files.ts';
import { readFormat, type FormatName } from '../formats/magic.ts';
import type { ModelFile } from './model-file.ts';
import { chooseInFolder, isShardName } from './open-model-folder.ts';
import { readGgufFile } from './open-model-gguf.ts';
import { readSafetensorsFolder } from './open-model-safetensors.ts';

/** Anything else goes to the reader of GGUF, which says what it found instead. */
const READERS: Partial<Record<FormatName, (files: Files, source: ByteSource) => Promise<ModelFile>>> = {
  gguf: readGgufFile,
  safetensors: readBesideConfig,
};

/**
 * Opens the files of a model. Whoever asks closes.
 *
 * @throws RefuteError as Files.open, chooseInFolder, readGgufFile and readSafetensorsFolder do
 */
export async function openModelFile(path: string): Promise<ModelFile> {
  return openModelFileFrom(DISK, path);
}

/** As `openModelFile`, wherever `files` are. */
export async function openModelFileFrom(files: Files, path: string): Promise<ModelFile> {
  const names = await files.list(path);
  return names === null ? openModelFileSource(files, await files.open(path)) : openFolder(files, path, names);
}

/**
 * As `openModelFile`, of one file that is open already and is closed with the model, also when this throws.
 *
 * @param files where other files of the same model would be
 */
export async function openModelFileSource(files: Files, source: ByteSource): Promise<ModelFile> {
  try {
    const read = READERS[await readFormat(source)] ?? readGgufFile;
    return await read(files, source);
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** What the tensors mean is in the files beside them. */
async function readBesideConfig(files: Files, source: ByteSource): Promise<ModelFile> {
  const { path } = source;
  const { folder, name } = await files.split(path);
  const names = (await files.list(folder)) ?? [];
  // A part of several stands for all, as in a folder: the others are beside it.
  const choice = isShardName(name) ? chooseInFolder(folder, names) : null;
  const isPart = choice?.kind === 'safetensors' && (choice.shards === null || choice.shards.includes(name));
  const shards = isPart ? choice.shards : [name];
  const file = await readSafetensorsFolder({ files, path, folder, names, shards, given: name, notices: [] });
  await source.close();
  return file;
}

async function openFolder(files: Files, path: string, names: readonly string[]): Promise<ModelFile> {
  const choice = chooseInFolder(path, names);
  if (choice.kind === 'safetensors') {
    const { shards, notices } = choice;
    return readSafetensorsFolder({ files, path, folder: path, names, shards, given: null, notices });
  }
  const file = await openModelFileSource(files, await files.open(await files.pathIn(path, choice.name)));
  return { ...file, path, notices: [...choice.notices, ...file.notices] };
}
