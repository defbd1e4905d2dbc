// From a picker or a drop to files with paths, and which models are among them.
import type { ChosenFile } from '../engine/index.ts';

/** Several files that were chosen together lie in a folder of this name. */
const TOGETHER = 'chosen';

export function filesOfList(list: Iterable<File>): ChosenFile[] {
  const files = [...list];
  const folder = files.length > 1 ? `${TOGETHER}/` : '';
  return files.map((file) => ({
    path: file.webkitRelativePath || folder + file.name,
    blob: file,
  }));
}

/** Of a drop: files, and folders with all that is in them. Call before the event has ended. */
export async function filesOfDrop({ items, files }: DataTransfer): Promise<ChosenFile[]> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (!entries.some((entry) => entry.isDirectory)) return filesOfList([...files]);
  return (await Promise.all(entries.map((entry) => filesOfEntry(entry, '')))).flat();
}

async function filesOfEntry(entry: FileSystemEntry, folder: string): Promise<ChosenFile[]> {
  const path = folder + entry.name;
  if (entry.isFile) {
    const blob = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path, blob }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const inner: FileSystemEntry[] = [];
  // A reader gives a hundred at a time.
  for (let more = await nextOf(reader); more.length > 0; more = await nextOf(reader)) inner.push(...more);
  return (await Promise.all(inner.map((each) => filesOfEntry(each, `${path}/`)))).flat();
}

function nextOf(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

/**
 * What may be opened: every GGUF file, of a split one the first, and every folder with a config.json. Where there is
 * neither, the first path, so that its reader says what it is.
 */
export function modelsAmong(files: readonly ChosenFile[]): string[] {
  const paths = files.map(({ path }) => path);
  const folders = paths.flatMap((path) => /^(.*)\/config\.json$/.exec(path)?.[1] ?? []);
  const ggufs = paths.filter((path) => {
    const part = /-(\d{5})-of-\d{5}\.gguf$/i.exec(path)?.[1] ?? '00001';
    return /\.gguf$/i.test(path) && !/(^|\/)(\.|mmproj)[^/]*$/i.test(path) && Number(part) === 1;
  });
  const found = [...ggufs, ...folders].toSorted();
  return found.length > 0 ? found : paths.slice(0, 1);
}
