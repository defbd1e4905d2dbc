// A file that is open for as long as one piece of work: a recording holds no handle between reads.
import type { ByteSource } from '../../engine/io/byte-source.ts';
import type { Files } from '../../engine/io/files.ts';

export async function withFile<T>(files: Files, path: string, work: (source: ByteSource) => Promise<T>): Promise<T> {
  const source = await files.open(path);
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}
