// Files that a person chose or dropped in a page, as a tree of paths. Read by slices, so that a model of many gigabytes
// is never in memory as a whole. No `node:` import here.
import { RefuteError } from '../../errors.ts';
import { assertRange, closedError, type ByteSource } from './byte-source.ts';
import { fileError } from './file-error.ts';
import type { Files } from './files.ts';

export interface ChosenFile {
  /** With slashes, from the folder that was chosen: `model/config.json`; of a single file its name. */
  path: string;
  blob: Blob;
}

/** A read is done in slices of at most so many bytes; a browser holds one slice twice. */
const SLICE_BYTES = 2 ** 24;

/** @param onRead told of the bytes of each slice that was read */
export function chosenFiles(chosen: readonly ChosenFile[], onRead: (byteLength: number) => void = () => {}): Files {
  const blobs = new Map(chosen.map(({ path, blob }) => [plain(path), blob]));
  const folders = foldersOf(blobs.keys());
  return {
    open: async (path) => {
      const blob = blobs.get(plain(path));
      if (blob !== undefined) return new BlobByteSource(path, blob, onRead);
      if (folders.has(plain(path))) {
        const allowed = 'a file is needed';
        throw new RefuteError({ code: 'E_FILE_DIRECTORY', place: path, is: 'this is a folder', allowed });
      }
      const next = 'A page sees only what was chosen: choose the folder, or all of its files together';
      throw new RefuteError({ code: 'E_FILE_MISSING', place: path, is: 'it is not among the files chosen', next });
    },
    list: async (path) => {
      if (blobs.has(plain(path))) return null;
      const names = folders.get(plain(path));
      if (names !== undefined) return [...names].toSorted();
      throw new RefuteError({ code: 'E_FILE_MISSING', place: path, is: 'there is no such file or folder' });
    },
    pathIn: async (folder, name) => (plain(folder) === '' ? name : `${plain(folder)}/${name}`),
    split: async (path) => {
      const at = path.lastIndexOf('/');
      return { folder: at === -1 ? '' : path.slice(0, at), name: path.slice(at + 1) };
    },
  };
}

/** Without `./` in front and a slash at the end; the folder of all is ''. */
function plain(path: string): string {
  return path.replace(/^(?:\.\/)+|^\.$/, '').replace(/\/+$/, '');
}

/** Every folder, '' of all included, with the names in it. */
function foldersOf(paths: Iterable<string>): Map<string, Set<string>> {
  const folders = new Map<string, Set<string>>([['', new Set()]]);
  for (const path of paths) {
    let folder = '';
    for (const name of path.split('/')) {
      const names = folders.get(folder) ?? new Set<string>();
      folders.set(folder, names.add(name));
      folder = folder === '' ? name : `${folder}/${name}`;
    }
  }
  return folders;
}

class BlobByteSource implements ByteSource {
  readonly path: string;
  readonly byteLength: number;
  readonly #onRead: (byteLength: number) => void;
  #blob: Blob | null;

  constructor(path: string, blob: Blob, onRead: (byteLength: number) => void) {
    this.path = path;
    this.byteLength = blob.size;
    this.#blob = blob;
    this.#onRead = onRead;
  }

  async read(byteOffset: number, into: Uint8Array): Promise<void> {
    const blob = this.#blob;
    if (blob === null) throw closedError(this.path);
    assertRange(this, byteOffset, into.byteLength);
    for (let done = 0; done < into.byteLength; done += SLICE_BYTES) {
      const end = Math.min(done + SLICE_BYTES, into.byteLength);
      // A file that changed since it was chosen is refused by the browser.
      const slice = await blob
        .slice(byteOffset + done, byteOffset + end)
        .arrayBuffer()
        .catch((error: unknown) => {
          throw fileError(error, this.path, 'read');
        });
      into.set(new Uint8Array(slice), done);
      this.#onRead(slice.byteLength);
    }
  }

  async close(): Promise<void> {
    this.#blob = null;
  }
}
