// A model's files as they stand, loadable or not: entries, tensors, bytes. `open-model-file.ts` opens one;
// `open-model.ts` makes a Model of it. Types only.
import type { Notice } from '../../notice.ts';
import type { FileEntry, FileTensor, Model } from './model.ts';
import type { ModelConfig } from '../program/config.ts';
import type { WeightSource } from '../program/executor.ts';
import type { Files } from '../io/files.ts';
import type { OnHashed } from '../io/sha256.ts';
import type { WeightName } from '../program/program.ts';
import type { TextModel } from '../text/text-model.ts';

export interface ModelFile {
  /** As it was given: a file or a folder. */
  path: string;
  /** Where the path leads. */
  files: Files;
  /** What another program opens the model by: of several GGUF files the first, of a folder with one that file. */
  entryPath: string;
  format: Model['format'];
  /** Format, version and layout in words. */
  formatText: string;
  /** Numbers of the container; null where tensors are spread over files. */
  container: { version: number | null; alignment: number | null; dataOffset: number } | null;
  /** Of all files that hold tensors. */
  byteLength: number;
  /** Key-value data in file order. */
  entries: readonly FileEntry[];
  metadata: ReadonlyMap<string, unknown>;
  /** The tokenizer's data under the keys of GGUF, whatever the files call them. */
  tokenizer: ReadonlyMap<string, unknown>;
  tensors: readonly FileTensor[];
  /** What is odd about the files themselves. */
  notices: readonly Notice[];
  /** By canonical name. */
  weights: WeightSource;
  /** How the file spells a canonical name, also of a tensor that it does not have. */
  nameInFile: (name: WeightName) => string;
  /** @throws RefuteError where the files do not describe a model that can be run */
  readConfig(): { config: ModelConfig; notices: Notice[] };
  /** @throws RefuteError where the tokenizer is broken; an absent or unknown one is a TextModel all the same */
  readText(notify: (notice: Notice) => void): TextModel;
  /** Of the file; of several, the hash of the list of their names and hashes. */
  sha256(onProgress?: OnHashed): Promise<string>;
  close(): Promise<void>;
}
