// A file as a ByteSource: typed errors, reads past 4 GiB, reads longer than one system call can do.
// `node:` modules are loaded on use, so that a page which never opens a file can load the engine.
import type { FileHandle } from 'node:fs/promises';
import { RefuteError } from '../../errors.ts';
import { assertRange, closedError, shortReadError, type ByteSource } from './byte-source.ts';
import { fileError } from './file-error.ts';

/** Node refuses a read of 2^31 bytes or more, and Linux ends one at 2^31 − 4096; 2^30 is below both. */
const MAX_READ_BYTES = 2 ** 30;

/**
 * Opens a regular file for random access.
 *
 * @throws RefuteError E_FILE_MISSING, E_FILE_DIRECTORY, E_FILE_PERMISSION, E_FILE_KIND (a pipe or device), E_FILE_READ
 */
export async function openFile(path: string): Promise<ByteSource> {
  const { open, stat } = await import('node:fs/promises');
  let handle: FileHandle;
  try {
    // Before `open`, because opening a pipe waits for a writer that may never come.
    const kind = await stat(path);
    if (kind.isDirectory()) throw directoryError(path);
    if (!kind.isFile()) throw kindError(path);
    handle = await open(path, 'r');
  } catch (error) {
    throw fileError(error, path, 'read');
  }
  const { size } = await handle.stat();
  return new FileByteSource(path, size, handle);
}

class FileByteSource implements ByteSource {
  readonly path: string;
  readonly byteLength: number;
  #handle: FileHandle | null;

  constructor(path: string, byteLength: number, handle: FileHandle) {
    this.path = path;
    this.byteLength = byteLength;
    this.#handle = handle;
  }

  async read(byteOffset: number, into: Uint8Array): Promise<void> {
    if (this.#handle === null) throw closedError(this.path);
    assertRange(this, byteOffset, into.byteLength);
    let done = 0;
    while (done < into.byteLength) {
      const wanted = Math.min(into.byteLength - done, MAX_READ_BYTES);
      const { bytesRead } = await this.#readOnce(this.#handle, into, done, wanted, byteOffset + done);
      // The file was longer when it was opened.
      if (bytesRead === 0) throw shortReadError(this.path, byteOffset, into.byteLength, byteOffset + done);
      done += bytesRead;
    }
  }

  async #readOnce(handle: FileHandle, into: Uint8Array, at: number, byteLength: number, position: number) {
    try {
      return await handle.read(into, at, byteLength, position);
    } catch (error) {
      throw fileError(error, this.path, 'read');
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close();
  }
}

function directoryError(path: string): RefuteError {
  const is = 'this is a folder';
  return new RefuteError({ code: 'E_FILE_DIRECTORY', place: path, is, allowed: 'a file is needed' });
}

function kindError(path: string): RefuteError {
  const is = 'this is a pipe, socket or device';
  const allowed = 'a regular file is needed, because its parts are read in any order';
  return new RefuteError({ code: 'E_FILE_KIND', place: path, is, allowed, next: 'Write the data into a file first' });
}
