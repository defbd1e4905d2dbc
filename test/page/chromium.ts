// A headless Chromium with WebGPU in software, out of the npm package that carries both: no download, nothing installed.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflate } from '@sparticuz/chromium';
import { chromium, type Browser } from 'playwright-core';

const ARCHIVES = ['chromium.br', 'swiftshader.tar.br', 'al2023.tar.br', 'fonts.tar.br'];
/** The package's own names folders of another machine, and without a font Chromium ends. */
const FONTS = 'own-fonts.conf';
const SANDBOX = ['--no-sandbox', '--disable-setuid-sandbox'];
/** Zeroing memory of workgroups takes the adapter in software longer than the rest (src/gpu/node/dawn.ts). */
const FAST = '--enable-dawn-features=disable_workgroup_init';
const WEBGPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', FAST];

/** Why there is no browser on this machine; null: there is. */
export const BROWSER_ABSENT: string | null =
  process.platform === 'linux' && process.arch === 'x64' ? null : 'the browser of the tests is for linux-x64';

export async function launchChromium({ hasWebgpu }: { hasWebgpu: boolean }): Promise<Browser> {
  const folder = await unpacked();
  return chromium.launch({
    executablePath: join(folder, 'chromium'),
    args: [...SANDBOX, ...(hasWebgpu ? WEBGPU : ['--disable-features=WebGPU', '--disable-blink-features=WebGPU'])],
    env: {
      ...process.env,
      LD_LIBRARY_PATH: `${folder}:${join(folder, 'al2023/lib')}`,
      FONTCONFIG_FILE: join(folder, FONTS),
    },
  });
}

/** On first use, 210 MB in six seconds; kept beside the other caches of node_modules. */
async function unpacked(): Promise<string> {
  const home = join(dirname(fileURLToPath(import.meta.resolve('@sparticuz/chromium'))), '..');
  const { version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as { version: string };
  const folder = join(home, `../../.cache/refute/chromium-${version}`);
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const fresh = await mkdtemp(`${folder}.`);
  const before = process.env['TMPDIR'];
  try {
    // It unpacks into the folder for temporary files, which it asks for at once.
    process.env['TMPDIR'] = fresh;
    const unpacking = ARCHIVES.map((name) => inflate(join(home, 'bin', name)));
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    await Promise.all(unpacking);
    const list = `<fontconfig><dir>${folder}/fonts/fonts</dir><cachedir>${folder}/fonts-cache</cachedir></fontconfig>`;
    await writeFile(join(fresh, FONTS), `<?xml version="1.0"?>\n${list}\n`);
    // Another process may do the same: a folder is whole or not there.
    await rename(fresh, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}
