// A whole file in memory, for files that are small by nature.
import { RefuteError } from '../../errors.ts';
import type { Files } from './files.ts';

/**
 * @param limitBytes above which the file is refused before it is read
 * @throws RefuteError as `Files.open` does, E_FILE_TOO_LARGE
 */
export async function readWholeFile(files: Files, path: string, limitBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const source = await files.open(path);
  try {
    if (source.byteLength > limitBytes) {
      const is = `the file has ${source.byteLength} bytes`;
      const allowed = `at most ${limitBytes} are read into memory`;
      throw new RefuteError({ code: 'E_FILE_TOO_LARGE', place: path, is, allowed });
    }
    const bytes = new Uint8Array(source.byteLength);
    await source.read(0, bytes);
    return bytes;
  } finally {
    await source.close();
  }
}
