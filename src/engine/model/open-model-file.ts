// Path -> ModelFile: a GGUF file, a folder, or a safetensors file in its folder, told apart by their first bytes.
import type { ByteSource } from '../io/byte-source.ts';
import { listFolder, pathIn, splitPath } from '../io/list-folder.ts';
import { openFile } from '../io/open-file.ts';
import { readFormat } from '../formats/magic.ts';
import type { ModelFile } from './model-file.ts';
import { chooseInFolder } from './open-model-folder.ts';
import { readGgufFile } from './open-model-gguf.ts';
import { readSafetensorsFolder } from './open-model-safetensors.ts';

/**
 * Opens the files of a model. Whoever asks closes.
 *
 * @throws RefuteError as openFile, chooseInFolder, readGgufFile and readSafetensorsFolder do
 */
export async function openModelFile(path: string): Promise<ModelFile> {
  const names = await listFolder(path);
  if (names !== null) return openFolder(path, names);
  const source = await openFile(path);
  let isTensors: boolean;
  try {
    isTensors = (await readFormat(source)) === 'safetensors';
  } catch (error) {
    await source.close();
    throw error;
  }
  if (!isTensors) return openModelFileSource(source);
  await source.close();
  // What the tensors mean is in the files beside them.
  const { folder, name } = await splitPath(path);
  const beside = (await listFolder(folder)) ?? [];
  return readSafetensorsFolder({ path, folder, names: beside, shards: [name], notices: [] });
}

/** As `openModelFile`, of one file that is open already and is closed with the model, also when this throws. */
export async function openModelFileSource(source: ByteSource): Promise<ModelFile> {
  try {
    return await readGgufFile(source);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function openFolder(path: string, names: readonly string[]): Promise<ModelFile> {
  const choice = chooseInFolder(path, names);
  if (choice.kind === 'safetensors') {
    const { shards, notices } = choice;
    return readSafetensorsFolder({ path, folder: path, names, shards, notices });
  }
  const file = await openModelFileSource(await openFile(await pathIn(path, choice.name)));
  return { ...file, path, notices: [...choice.notices, ...file.notices] };
}
