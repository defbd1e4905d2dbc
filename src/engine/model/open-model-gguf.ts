// An open GGUF file as a ModelFile. One file holds everything: config, tokenizer, weights.
import { parseGguf } from '../formats/gguf.ts';
import { StoredWeights, type StoredTensor } from './stored-weights.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { sha256Source } from '../io/sha256.ts';
import type { ModelFile } from './model-file.ts';
import type { Notice } from '../../notice.ts';
import { ARCHITECTURES, bosSpellings } from '../architectures/registry.ts';
import { configFromGguf } from '../config/config-from-gguf.ts';
import { createTextModel } from '../text/create-text-model.ts';

/** @throws RefuteError as parseGguf does */
export async function readGgufFile(source: ByteSource): Promise<ModelFile> {
  const { path, byteLength } = source;
  const { version, dataOffset, alignment, metadata, ...file } = await parseGguf(source);
  const tensors = file.tensors.map(({ ggmlId: _id, ...tensor }): StoredTensor => ({
    ...tensor,
    parts: tensor.byteLength === null ? [] : [{ source, byteOffset: tensor.byteOffset, byteLength: tensor.byteLength }],
  }));
  const notices: Notice[] = [];
  if (file.brokenStringCount > 0) {
    const message = `${file.brokenStringCount} metadata strings are not UTF-8; their bad bytes were read as U+FFFD.`;
    notices.push({ severity: 'warning', code: 'METADATA-UTF8', message });
  }
  return {
    path,
    format: 'gguf',
    formatText: `GGUF ${version}`,
    container: { version, alignment, dataOffset },
    byteLength,
    entries: file.entries.map(({ key, type, elementType, value }) => ({
      key,
      type: elementType === null ? type : `${elementType}[]`,
      value,
    })),
    metadata,
    tokenizer: metadata,
    tensors,
    notices,
    weights: new StoredWeights(path, tensors),
    readConfig: () => configFromGguf({ path, metadata, tensors }, ARCHITECTURES),
    readText: (notify) => createTextModel(metadata, notify, { bosSpellings: bosSpellings(metadata) }),
    sha256: () => sha256Source(source),
    close: () => source.close(),
  };
}
