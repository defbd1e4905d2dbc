// The one writer of the product: a reader sees the old file or the new one, never a part, whatever kills the process.
import { AtomicFile } from './atomic-file.ts';

export type FileContent = Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Temporary file beside the target, flush, rename, flush of the folder. Missing folders are made.
 *
 * @param content in one piece, or in pieces that need not be in memory together; text becomes UTF-8
 * @throws RefuteError those of AtomicFile, or whatever the content's iterator throws. The target is then as it was and
 *   the temporary file is gone.
 */
export async function writeFileAtomic(path: string, content: FileContent): Promise<void> {
  const file = await AtomicFile.create(path);
  try {
    for await (const part of pieces(content)) await file.append(part);
    await file.commit({ isDurable: true });
  } catch (error) {
    await file.discard();
    throw error;
  }
}

function pieces(content: FileContent): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof content === 'string') return [new TextEncoder().encode(content)];
  return content instanceof Uint8Array ? [content] : content;
}
