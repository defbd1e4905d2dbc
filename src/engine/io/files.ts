// Where paths lead: the disk (disk.ts), or the files that a person chose in a page (chosen-files.ts). Readers of models
// and recordings are given one and know no other way to a file. No `node:` import here.
import type { ByteSource } from './byte-source.ts';

export interface Files {
  /** @throws RefuteError E_FILE_MISSING, E_FILE_DIRECTORY, E_FILE_READ and others of file-error.ts */
  open(path: string): Promise<ByteSource>;
  /** Names of a folder's entries in the order of their code points; null where `path` is not a folder. */
  list(path: string): Promise<string[] | null>;
  /** The path of an entry of a folder. */
  pathIn(folder: string, name: string): Promise<string>;
  /** The folder of a file's path, and the file's name. */
  split(path: string): Promise<{ folder: string; name: string }>;
}
