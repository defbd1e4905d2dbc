// Removing a file that may not be there.
import { fileError } from './file-error.ts';

/** @throws RefuteError E_FILE_PERMISSION, E_FILE_WRITE */
export async function removeFile(path: string): Promise<void> {
  const { rm } = await import('node:fs/promises');
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw fileError(error, path, 'write');
  }
}
