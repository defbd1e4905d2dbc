// Who vouches for a program: reference packs from --pack or from packs/ beside the model, and unquantised weights on
// which the program can be compared with them (the model's own, --original's, or those of a model beside it).
import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { openPack } from '../../diagnosis/index.ts';
import { openModel, readCapture, type Capture, type Model } from '../../engine/index.ts';
import { RefuteError } from '../../errors.ts';
import { warn } from './open.ts';

/**
 * The packs named, or those in packs/ beside the model: folders, safetensors files, and what is in folders of packs two
 * levels down (packs/<dtype>/<prompt>).
 */
export async function findPacks(model: Model, given: readonly string[] | undefined): Promise<Capture[]> {
  const roots = given ?? [join(dirname(model.path), 'packs')];
  const folders = (await Promise.all(roots.map((root) => packFolders(root, 2)))).flat();
  if (given !== undefined && folders.length === 0) {
    throw new RefuteError({
      code: 'E_PACK',
      place: '--pack',
      is: `there is no manifest.json and no .safetensors in ${given.join(', ')} or two levels below`,
    });
  }
  if (given !== undefined) return Promise.all(folders.map((folder) => openPack(folder, model.program)));
  // Only those that say they are of this model.
  const names = [basename(model.path), basename(dirname(model.path))];
  const found = (await Promise.all(folders.map((folder) => unasked(readCapture(folder))))).filter(
    (pack) => pack !== null,
  );
  const own = found.filter(({ manifest }) => names.some((name) => name.startsWith(manifest.model.name)));
  const fitting = await Promise.all(own.map((pack) => unasked(openPack(pack.folder, model.program))));
  return fitting.filter((pack) => pack !== null);
}

/** Packs that were found, not asked for: a bad one is left out. If none is left, the model is UNVERIFIED. */
async function unasked(pack: Promise<Capture>): Promise<Capture | null> {
  return pack.catch((error: unknown) => {
    if (!(error instanceof RefuteError)) throw error;
    warn('warning', error.message);
    return null;
  });
}

async function packFolders(root: string, depth: number): Promise<string[]> {
  if (root.endsWith('.safetensors')) return [root];
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  if (entries.some(({ name }) => name === 'manifest.json')) return [root];
  if (depth === 0) return [];
  const folders = entries
    .filter((entry) => entry.isDirectory() || entry.name.endsWith('.safetensors'))
    .map(({ name }) => join(root, name));
  return (
    await Promise.all(folders.toSorted((a, b) => a.localeCompare(b)).map((folder) => packFolders(folder, depth - 1)))
  ).flat();
}

/** Packs recorded from this very file, quantised as it is: their weights are its own, decoded. */
export async function packsOfFile(model: Model, packs: readonly Capture[]): Promise<Capture[]> {
  const stem = basename(model.path);
  const named = packs.filter(({ manifest }) => manifest.model.name === stem);
  if (named.length === 0 || extname(stem) !== '.gguf') return [];
  const sha256 = await model.sha256();
  return named.filter(({ manifest }) => manifest.model.sha256 === sha256);
}

/** Weights of the same program, stored in 16 bits or more. null: there are none at hand. */
export async function findUnquantized(
  model: Model,
  original: Model | null,
  isWanted: boolean,
): Promise<{ model: Model; isOwned: boolean } | null> {
  if (isUnquantized(model)) return { model, isOwned: false };
  if (original !== null) {
    if (isUnquantized(original) && isSameProgram(model, original)) return { model: original, isOwned: false };
    warn('warning', `${original.path} has another program or is quantised itself; it does not vouch for this one`);
    return null;
  }
  if (!isWanted) return null;
  const folder = dirname(model.path);
  const names = await readdir(folder).catch(() => []);
  for (const name of names.toSorted((a, b) => a.localeCompare(b))) {
    if (extname(name) !== '.gguf' || join(folder, name) === model.path) continue;
    const sibling = await openModel(join(folder, name)).catch(() => null);
    if (sibling === null) continue;
    if (isUnquantized(sibling) && isSameProgram(model, sibling)) return { model: sibling, isOwned: true };
    await sibling.close();
  }
  return null;
}

/** Ops, values and weight shapes; not the types of the weights, which are not part of a program. */
export function isSameProgram(a: Model, b: Model): boolean {
  return isDeepStrictEqual(a.program, b.program);
}

function isUnquantized({ program, weights }: Model): boolean {
  return program.weights.every(({ name }) => ['f32', 'f16', 'bf16'].includes(weights.info(name)?.type ?? ''));
}
