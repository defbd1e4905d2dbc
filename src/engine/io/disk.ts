// The file system, as every program in Node sees it. A page has none, and never loads this.
import type { Files } from './files.ts';
import { listFolder, pathIn, splitPath } from './list-folder.ts';
import { openFile } from './open-file.ts';

export const DISK: Files = { open: openFile, list: listFolder, pathIn, split: splitPath };
