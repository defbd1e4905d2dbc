// Who vouches for a program: reference packs that are named, or that lie in packs/ beside the model, and
// unquantised weights on which the program can be compared with them (the model's own, the original's, or those of
// a model beside it). Finds and opens; compares nothing.
import { MANIFEST_NAME } from '../../engine/capture/manifest.ts';
import { readFormat } from '../../engine/formats/magic.ts';
import type { Files } from '../../engine/io/files.ts';
import type { Model } from '../../engine/model/model.ts';
import { shardNames } from '../../engine/formats/gguf-shard-names.ts';
import { openModelFrom } from '../../engine/model/open-model.ts';
import { RefuteError } from '../../errors.ts';
import { isSamePlain } from './is-same-plain.ts';
import { asPack, type Pack } from './open-pack.ts';
import { namesOfProgram, openRecordingFrom } from './open-recording.ts';
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
  const { files, program } = model;
  const { folder, name: ownName } = await files.split(model.path);
  const roots = given ?? [await files.pathIn(folder, 'packs')];
  const paths = (await Promise.all(roots.map((root) => packPaths(files, root, 2)))).flat();
  if (given !== undefined && paths.length === 0) {
    const is = `there is no manifest.json and no safetensors file in ${given.join(', ')} or two levels below`;
    throw new RefuteError({ code: 'E_PACK', place: '--pack', is, next: 'docs/reference-packs.md has the format' });
  }
  if (given !== undefined) {
    const open = (path: string) => openRecordingFrom(files, path, null, namesOfProgram(program));
    return Promise.all(paths.map(async (path) => asPack(await open(path), program)));
  }
  /** Nobody asked for it: a bad one vouches for nothing, and the model is UNVERIFIED if no other does. */
  const unasked = async (path: string): Promise<Pack | null> => {
    try {
      const recording = await openRecordingFrom(files, path);
      const name = recording.manifest?.model.name;
      return name !== undefined && names.some((own) => own.startsWith(name)) ? asPack(recording, program) : null;
    } catch (error) {
      if (!(error instanceof RefuteError)) throw error;
      onPassedOver(error.message);
      return null;
    }
  };
  const names = [ownName, (await files.split(folder)).name];
  return (await Promise.all(paths.map(unasked))).filter((pack) => pack !== null);
}

async function packPaths(files: Files, root: string, depth: number): Promise<string[]> {
  const names = await files.list(root).catch(() => null);
  if (names === null) return (await formatOf(files, root)) === 'safetensors' ? [root] : [];
  if (names.includes(MANIFEST_NAME)) return [root];
  if (depth === 0) return [];
  const below = names.map(async (name) => packPaths(files, await files.pathIn(root, name), depth - 1));
  return (await Promise.all(below)).flat();
}

/** null where it cannot be read. */
async function formatOf(files: Files, path: string): Promise<string | null> {
  return withFile(files, path, readFormat).catch(() => null);
}

/** Packs that were recorded on this very file, quantised as it is: then its own decoded weights are the pack's. */
export async function packsOfFile(model: Model, packs: readonly Pack[]): Promise<readonly Pack[]> {
  const { name } = await model.files.split(model.path);
  const named = packs.filter(({ manifest }) => manifest.model.name === name);
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
  const { files } = model;
  const { folder } = await files.split(model.path);
  const names = (await files.list(folder).catch(() => null)) ?? [];
  const own = await files.split(model.entryPath);
  // A split model is opened by its first file.
  for (const name of names.filter((each) => shardNames(each)[0] === each)) {
    const path = await files.pathIn(folder, name);
    const isOwn = name === own.name && path === (await files.pathIn(own.folder, own.name));
    if (isOwn || (await formatOf(files, path)) !== 'gguf') continue;
    const sibling = await openModelFrom(files, path).catch(() => null);
    if (sibling === null) continue;
    if (isUnquantized(sibling) && isSameProgram(model, sibling)) return sibling;
    await sibling.close();
  }
  return null;
}

/** Ops, values and weight shapes; not the types of the weights, which are not part of a program. */
export function isSameProgram(a: Model, b: Model): boolean {
  return isSamePlain(a.program, b.program);
}

function isUnquantized({ program, weights }: Model): boolean {
  return program.weights.every(({ name }) => ['f32', 'f16', 'bf16'].includes(weights.info(name)?.type ?? ''));
}
