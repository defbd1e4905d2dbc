// SwiftShader, a GPU in software, out of the npm package that carries a headless Chromium: for tests and for whoever asks
// for it by name. Vulkan's loader reads its environment at the start of a process, so this gives variables, not an adapter.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DRIVER = 'vk_swiftshader_icd.json';

export type SoftwareAdapter = { env: Readonly<Record<string, string>> } | { absent: string };

/** Unpacks it on first use, 8 MB. */
export async function softwareAdapter(): Promise<SoftwareAdapter> {
  let main: string;
  try {
    main = fileURLToPath(import.meta.resolve('@sparticuz/chromium'));
  } catch {
    return { absent: 'the package @sparticuz/chromium, which carries the software adapter, is not installed' };
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { absent: `the software adapter is for linux-x64 and this is ${process.platform}-${process.arch}` };
  }
  const home = join(dirname(main), '..');
  const { version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as { version: string };
  const folder = join(home, `../../.cache/refute/swiftshader-${version}`);
  if (!existsSync(folder)) await unpack(join(home, 'bin/swiftshader.tar.br'), folder);
  const driver = join(folder, DRIVER);
  return { env: { LD_LIBRARY_PATH: folder, VK_ICD_FILENAMES: driver, VK_DRIVER_FILES: driver } };
}

/** Another process may do the same: a folder is whole or not there. */
async function unpack(archive: string, folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const fresh = await mkdtemp(`${folder}.`);
  try {
    const { inflate } = await import('@sparticuz/chromium');
    // It unpacks into the folder for temporary files, which it asks for at once.
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = fresh;
    const unpacking = inflate(archive);
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    await unpacking;
    await rename(fresh, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}
