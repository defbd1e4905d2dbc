// The WebGPU engine as it lies on disk, kernels and what dispatches them, for the digest of what computes: a kernel that a run
// has not needed yet is part of it, too.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';

const FOLDER = new URL('../', import.meta.url);

/** @param others what computes beside them: profile, program. @returns SHA-256 in hex */
export async function engineDigest(...others: readonly string[]): Promise<string> {
  const names = (await readdir(FOLDER, { recursive: true })).map((name) => name.replaceAll('\\', '/'));
  const modules = names.filter((name) => /\.([jt]s|wgsl)$/.test(name)).toSorted();
  const texts = await Promise.all(modules.map((name) => readFile(new URL(name, FOLDER), 'utf8')));
  const sources = modules.map((name, i) => [name, texts[i]]);
  return createHash('sha256')
    .update(JSON.stringify([sources, others]))
    .digest('hex');
}
