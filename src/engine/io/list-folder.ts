// The names in a folder. The one place of the engine that reads directories.
import { fileError } from './file-error.ts';

/** Names of a folder's entries in the order of their code points; null where `path` is not a folder. */
export async function listFolder(path: string): Promise<string[] | null> {
  const { readdir, stat } = await import('node:fs/promises');
  try {
    if (!(await stat(path)).isDirectory()) return null;
    return (await readdir(path)).toSorted();
  } catch (error) {
    throw fileError(error, path, 'read');
  }
}

/** The folder of a file's path, and the file's name. */
export async function splitPath(path: string): Promise<{ folder: string; name: string }> {
  const paths = await import('node:path');
  return { folder: paths.dirname(path), name: paths.basename(path) };
}

/** The path of an entry of a folder. */
export async function pathIn(folder: string, name: string): Promise<string> {
  const paths = await import('node:path');
  return paths.join(folder, name);
}
