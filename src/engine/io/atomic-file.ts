// A file that appears whole or not at all: grown as a temporary file beside its target, renamed over it at the end.
// Holds no file open between calls, so that hundreds can grow at once.
import { RefuteError } from '../../errors.ts';
import { fileError } from './file-error.ts';

export class AtomicFile {
  /** As it was asked for. */
  readonly path: string;
  readonly #target: string;
  readonly #temporary: string;
  readonly #mode: number | undefined;

  private constructor(path: string, target: string, temporary: string, mode: number | undefined) {
    this.path = path;
    this.#target = target;
    this.#temporary = temporary;
    this.#mode = mode;
  }

  /**
   * Makes missing folders and the empty temporary file. A target that is a symbolic link stays one; the mode of an
   * existing file is kept.
   *
   * @throws RefuteError E_FILE_PERMISSION, E_FILE_NO_SPACE, E_FILE_MISSING, E_FILE_PATH, E_FILE_KIND, E_FILE_WRITE
   */
  static async create(path: string): Promise<AtomicFile> {
    const { realpath, stat, writeFile } = await import('node:fs/promises');
    const paths = await import('node:path');
    const { randomBytes } = await import('node:crypto');
    return wording(path, async () => {
      await makeFolder(paths.dirname(path));
      const target = await realpath(path).catch(() => path);
      const existing = await stat(target).catch(() => null);
      // A rename would put a file in the place of /dev/null.
      if (existing !== null && !existing.isFile() && !existing.isDirectory()) throw kindError(path);
      const mode = existing === null ? undefined : existing.mode & 0o777;
      // Cut, because a name of 255 bytes must still leave room.
      const name = `.${paths.basename(target).slice(0, 60)}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
      const temporary = paths.join(paths.dirname(target), name);
      await writeFile(temporary, '', { flag: 'wx' });
      return new AtomicFile(path, target, temporary, mode);
    });
  }

  async append(bytes: Uint8Array): Promise<void> {
    const { appendFile } = await import('node:fs/promises');
    await wording(this.path, () => appendFile(this.#temporary, bytes));
  }

  /**
   * Puts the file in its place.
   *
   * @param options.isDurable flushes file and folder to disk first, so that a power cut cannot undo the call
   */
  async commit({ isDurable }: { isDurable: boolean }): Promise<void> {
    const { chmod, rename } = await import('node:fs/promises');
    const paths = await import('node:path');
    await wording(this.path, async () => {
      if (this.#mode !== undefined) await chmod(this.#temporary, this.#mode);
      if (isDurable) await flush(this.#temporary, 'r+');
      await rename(this.#temporary, this.#target);
      // Windows cannot open a folder and does not need it.
      if (isDurable && process.platform !== 'win32') await flush(paths.dirname(this.#target), 'r');
    });
  }

  /** Removes the temporary file; the target is as it was. */
  async discard(): Promise<void> {
    const { rm } = await import('node:fs/promises');
    await rm(this.#temporary, { force: true });
  }
}

/** Node's own recursive one never ends where a folder that is there takes no entry, as /proc. */
async function makeFolder(folder: string): Promise<void> {
  const { mkdir, stat } = await import('node:fs/promises');
  const paths = await import('node:path');
  if ((await stat(folder).catch(() => null))?.isDirectory() === true) return;
  const parent = paths.dirname(folder);
  if (parent !== folder) await makeFolder(parent);
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    // Made by another process in between, or a file: then writing into it fails.
    if (error.code !== 'EEXIST') throw error;
  });
}

function kindError(path: string): RefuteError {
  const is = 'this is a pipe, socket or device';
  return new RefuteError({ code: 'E_FILE_KIND', place: path, is, allowed: 'a regular file is needed' });
}

async function flush(path: string, flags: 'r' | 'r+'): Promise<void> {
  const { open } = await import('node:fs/promises');
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function wording<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw error instanceof RefuteError ? error : fileError(error, path, 'write');
  }
}
