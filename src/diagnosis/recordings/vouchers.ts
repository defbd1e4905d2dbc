// Who vouches for a program: reference packs that are named, or that lie in packs/ beside the model, and
// unquantised weights on which the program can be compared with them (the model's own, the original's, or those of
// a model beside it). Finds and opens; compares nothing.
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { MANIFEST_NAME } from '../../engine/capture/manifest.ts';
import { readFormat } from '../../engine/formats/magic.ts';
import type { Model } from '../../engine/model/model.ts';
import { shardNames } from '../../engine/formats/gguf-shard-names.ts';
import { openModel } from '../../engine/model/open-model.ts';
import { RefuteError } from '../../errors.ts';
import { asPack, openPack, type Pack } from './open-pack.ts';
import { openRecording } from './open-recording.ts';
import { withFile } from './with-file.ts';

/** Is told about what was passed over. */
export type OnPassedOver = (message: string) => void;

export interface Vouchers {
  packs: readonly Pack[];
  /** Unquantised weights of the model's program; null: none at hand. */
  unquantized: Model | null;
  /** Of a model that was opened to vouch for this one. */
  close(): Promise<void>;
}

/**
 * @param given packs or folders of packs; undefined: those in packs/ beside the model that say they are of it
 * @param original the model before quantisation
 * @throws RefuteError E_PACK where nothing given is a pack, and those of `openPack` for what is given
 */
export async function findVouchers(
  model: Model,
  given: readonly string[] | undefined,
  original: Model | null,
  onPassedOver: OnPassedOver,
): Promise<Vouchers> {
  const found = await findPacks(model, given, onPassedOver);
  const own = await packsOfFile(model, found);
  if (own.length > 0) return { packs: own, unquantized: model, close: async () => undefined };
  const unquantized = await findUnquantized(model, original, found.length > 0, onPassedOver);
  const isOpened = unquantized !== model && unquantized !== original;
  return { packs: found, unquantized, close: async () => (isOpened ? unquantized?.close() : undefined) };
}

/** A pack is a folder with a manifest or a safetensors file; in a folder of packs they lie up to two levels down. */
async function findPacks(
  model: Model,
  given: readonly string[] | undefined,
  onPassedOver: OnPassedOver,
): Promise<Pack[]> {
  const roots = given ?? [join(dirname(model.path), 'packs')];
  const paths = (await Promise.all(roots.map((root) => packPaths(root, 2)))).flat();
  if (given !== undefined && paths.length === 0) {
    const is = `there is no manifest.json and no safetensors file in ${given.join(', ')} or two levels below`;
    throw new RefuteError({ code: 'E_PACK', place: '--pack', is, next: 'docs/reference-packs.md has the format' });
  }
  if (given !== undefined) return Promise.all(paths.map((path) => openPack(path, model.program)));
  /** Nobody asked for it: a bad one vouches for nothing, and the model is UNVERIFIED if no other does. */
  const unasked = async (path: string): Promise<Pack | null> => {
    try {
      const recording = await openRecording(path);
      const name = recording.manifest?.model.name;
      return name !== undefined && names.some((own) => own.startsWith(name)) ? asPack(recording, model.program) : null;
    } catch (error) {
      if (!(error instanceof RefuteError)) throw error;
      onPassedOver(error.message);
      return null;
    }
  };
  const names = [basename(model.path), basename(dirname(model.path))];
  return (await Promise.all(paths.map(unasked))).filter((pack) => pack !== null);
}

async function packPaths(root: string, depth: number): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => null);
  if (entries === null) return (await formatOf(root)) === 'safetensors' ? [root] : [];
  if (entries.some(({ name }) => name === MANIFEST_NAME)) return [root];
  if (depth === 0) return [];
  const below = entries.filter((entry) => entry.isDirectory() || entry.isFile()).map(({ name }) => join(root, name));
  return (await Promise.all(below.toSorted().map((path) => packPaths(path, depth - 1)))).flat();
}

/** null where it cannot be read. */
async function formatOf(path: string): Promise<string | null> {
  return withFile(path, readFormat).catch(() => null);
}

/** Packs that were recorded on this very file, quantised as it is: then its own decoded weights are the pack's. */
export async function packsOfFile(model: Model, packs: readonly Pack[]): Promise<readonly Pack[]> {
  const named = packs.filter(({ manifest }) => manifest.model.name === basename(model.path));
  if (named.length === 0 || model.format !== 'gguf') return [];
  const sha256 = await model.sha256();
  return named.filter(({ manifest }) => manifest.model.sha256 === sha256);
}

/** Weights that no format has rounded below 16 bits, of the very same program. */
async function findUnquantized(
  model: Model,
  original: Model | null,
  isWanted: boolean,
  onPassedOver: OnPassedOver,
): Promise<Model | null> {
  if (isUnquantized(model)) return model;
  if (original !== null) {
    if (isUnquantized(original) && isSameProgram(model, original)) return original;
    onPassedOver(`${original.path} has another program or is quantised itself; it does not vouch for this one`);
    return null;
  }
  if (!isWanted) return null;
  const folder = dirname(model.path);
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  // A split model is opened by its first file.
  const files = entries.filter((entry) => entry.isFile() && shardNames(entry.name)[0] === entry.name);
  for (const path of files.map(({ name }) => join(folder, name)).toSorted()) {
    if (path === join(model.entryPath) || (await formatOf(path)) !== 'gguf') continue;
    const sibling = await openModel(path).catch(() => null);
    if (sibling === null) continue;
    if (isUnquantized(sibling) && isSameProgram(model, sibling)) return sibling;
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
