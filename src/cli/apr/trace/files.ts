// The files of a capture after it was written: that each is there with the size it must have, and what else lies in
// the folder that this capture did not write.
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { APRT_HEADER_BYTES, type CaptureManifest } from '../../../engine/index.ts';
import { RefuteError } from '../../../errors.ts';
import { plural } from '../../figures.ts';

export interface SavedFiles {
  folder: string;
  files: SavedFile[];
  /** Stage files in the folder that are not of this capture: left by an earlier one. */
  stale: string[];
}

interface SavedFile {
  path: string;
  shape: readonly number[];
  byteLength: number;
}

/** `<model stem>-trace` in the current folder. */
export function defaultFolder(modelPath: string): string {
  return `${basename(modelPath, extname(modelPath))}-trace`;
}

/** @throws RefuteError E_TRACE_FILE where a promised file is missing or has another size */
export async function describeFiles(folder: string, manifest: CaptureManifest): Promise<SavedFiles> {
  const files: SavedFile[] = [];
  for (const [path, { shape }] of Object.entries(manifest.files)) {
    const wanted = APRT_HEADER_BYTES + 4 * shape.reduce((product, extent) => product * extent, 1);
    const found = await stat(join(folder, path)).then(
      ({ size }) => size,
      () => null,
    );
    if (found !== wanted) throw fileError(join(folder, path), wanted, found);
    files.push({ path, shape, byteLength: wanted });
  }
  const stale = (await stageFilesIn(folder)).filter((path) => !Object.hasOwn(manifest.files, path));
  return { folder, files, stale };
}

/** One sentence about what else lies in the folder; null where nothing does. */
export function staleText({ stale, folder }: SavedFiles): string | null {
  if (stale.length === 0) return null;
  const shown = `${stale.slice(0, 3).join(', ')}${stale.length > 3 ? ', …' : ''}`;
  return `${folder} also holds ${plural(stale.length, 'older stage file')} (${shown}), not of this capture and not in its manifest`;
}

function fileError(place: string, wanted: number, found: number | null): RefuteError {
  const is = found === null ? 'it was written and is gone' : `it has ${found} bytes`;
  const next = 'Does something else write into this folder?';
  return new RefuteError({ code: 'E_TRACE_FILE', place, is, allowed: `${wanted} bytes were written`, next });
}

/** `*.bin` of the folder and of its `layer-<N>` folders. */
async function stageFilesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.bin')).map((entry) => entry.name);
  for (const entry of entries) {
    if (!entry.isDirectory() || !/^layer-\d+$/.test(entry.name)) continue;
    const names = await readdir(join(folder, entry.name));
    paths.push(...names.filter((name) => name.endsWith('.bin')).map((name) => `${entry.name}/${name}`));
  }
  return paths;
}
