// The code of the WebGPU engine as it lies on disk, for the digest of what computes. Kernels are not in it: what is compiled
// of them is recorded where it is compiled.
import { readdir, readFile } from 'node:fs/promises';

const FOLDER = new URL('../', import.meta.url);

/** Names and contents, in one text. */
export async function engineSources(): Promise<string> {
  const names = (await readdir(FOLDER, { recursive: true })).map((name) => name.replaceAll('\\', '/'));
  const modules = names.filter((name) => /\.[jt]s$/.test(name)).toSorted();
  const texts = await Promise.all(modules.map((name) => readFile(new URL(name, FOLDER), 'utf8')));
  return JSON.stringify(modules.map((name, i) => [name, texts[i]]));
}
