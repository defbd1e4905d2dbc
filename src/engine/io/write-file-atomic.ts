// The one writer of the product: a reader sees the old file or the new one, never a part, whatever kills the process.
import type { FileHandle } from 'node:fs/promises';
import { fileError } from './file-error.ts';

export type FileContent = Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Writes a temporary file beside the target, flushes it to disk, renames it over the target and flushes the folder.
 * Missing folders are made. A target that is a symbolic link stays one; the mode of an existing file is kept.
 *
 * @param content in one piece, or in pieces that need not be in memory together; text is UTF-8
 * @throws RefuteError E_FILE_PERMISSION, E_FILE_NO_SPACE, E_FILE_DIRECTORY, E_FILE_PATH, E_FILE_WRITE; or whatever the
 *   content's iterator throws. In every case the target is as it was and the temporary file is gone.
 */
export async function writeFileAtomic(path: string, content: FileContent): Promise<void> {
  const { mkdir, open, realpath, rename, rm, stat } = await import('node:fs/promises');
  const paths = await import('node:path');
  const { randomBytes } = await import('node:crypto');

  let target = path;
  let temporary: string | null = null;
  try {
    await mkdir(paths.dirname(path), { recursive: true });
    target = await realpath(path).catch(() => path);
    const mode = await stat(target).then(
      (existing) => existing.mode & 0o777,
      () => undefined,
    );
    const folder = paths.dirname(target);
    const attempt = paths.join(
      folder,
      `.${paths.basename(target).slice(0, 128)}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`,
    );
    const handle = await open(attempt, 'wx');
    temporary = attempt;
    try {
      await writeAll(handle, content);
      if (mode !== undefined) await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(attempt, target);
    temporary = null;
    await syncFolder(folder);
  } catch (error) {
    if (temporary !== null) await rm(temporary, { force: true });
    throw isErrno(error) ? fileError(error, path, 'write') : error;
  }
}

async function writeAll(handle: FileHandle, content: FileContent): Promise<void> {
  if (typeof content === 'string' || content instanceof Uint8Array) {
    await handle.writeFile(content);
    return;
  }
  for await (const part of content) await handle.writeFile(part);
}

/** Makes the rename itself durable. Windows cannot open a folder and does not need it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const { open } = await import('node:fs/promises');
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isErrno(error: unknown): boolean {
  return error instanceof Error && 'code' in error && !('place' in error);
}
