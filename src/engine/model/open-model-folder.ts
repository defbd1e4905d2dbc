// Which files of a folder are the model. Order: model.safetensors.index.json (which gives way to a model.safetensors that
// it does not name), model.safetensors, the shards model-00001-of-0000N.safetensors, the first *.gguf with all that
// belong to it. What is passed over is said.
import { RefuteError } from '../../errors.ts';
import { shardNames } from '../formats/gguf-shard-names.ts';
import { firstOf, quoted } from '../formats/quoted.ts';
import { MAX_SHARDS } from '../formats/safetensors-limits.ts';
import type { Notice } from '../../notice.ts';

export type FolderChoice =
  | { kind: 'gguf'; name: string; notices: Notice[] }
  /** `shards` are null where the index has yet to be read. */
  | { kind: 'safetensors'; shards: string[] | null; notices: Notice[] };

export const INDEX_NAME = 'model.safetensors.index.json';
export const SINGLE_NAME = 'model.safetensors';
/** Files of weights, the model's or not. macOS leaves a hidden `._name` beside files on some disks and in archives. */
const WEIGHTS = /^[^.].*\.(safetensors|gguf)$|^consolidated\b.*\.pth$|^(pytorch_model|adapter_model)\b.*\.bin$/i;
const ADAPTER = /^adapter_model\b.*\.(safetensors|bin)$/;
const SHARD_NAME = /^model-(\d{5})-of-(\d{5})\.safetensors$/;

export function isShardName(name: string): boolean {
  return SHARD_NAME.test(name);
}

/**
 * @param names the folder's entries
 * @throws RefuteError E_FOLDER_NO_MODEL, E_FOLDER_SHARD_MISSING
 */
export function chooseInFolder(path: string, names: readonly string[]): FolderChoice {
  const shards = names.filter((name) => SHARD_NAME.test(name));
  const chosen: string[] | null | undefined = names.includes(INDEX_NAME)
    ? null
    : names.includes(SINGLE_NAME)
      ? [SINGLE_NAME]
      : shards.length > 0
        ? allShards(path, shards)
        : undefined;
  if (chosen !== undefined) {
    return { kind: 'safetensors', shards: chosen, notices: adapterNotices(names) };
  }
  const ggufs = names.filter((name) => WEIGHTS.test(name) && name.toLowerCase().endsWith('.gguf'));
  // What llama.cpp calls the part of a model that sees pictures is no model.
  const [first, ...others] = ggufs.toSorted((a, b) => Number(/^mmproj/i.test(a)) - Number(/^mmproj/i.test(b)));
  if (first !== undefined) {
    const own = shardNames(first);
    return {
      kind: 'gguf',
      name: first,
      notices: passedOver(
        first,
        own.length,
        others.filter((name) => !own.includes(name)),
      ),
    };
  }
  const weights = names.filter((name) => WEIGHTS.test(name));
  throw new RefuteError({
    code: 'E_FOLDER_NO_MODEL',
    place: path,
    is: `the folder holds no model${weights.length === 0 ? '' : ` in a format that is read, but ${firstOf(weights.map(quoted))}`}`,
    allowed: `${INDEX_NAME}, ${SINGLE_NAME}, model-00001-of-0000N.safetensors and *.gguf are looked for, in this order`,
  });
}

function allShards(path: string, found: readonly string[]): string[] {
  const count = Number(SHARD_NAME.exec(found[0] ?? '')?.[2]);
  const digits = String(count).padStart(5, '0');
  const wanted = Array.from(
    { length: Math.min(count, MAX_SHARDS) },
    (_, i) => `model-${String(i + 1).padStart(5, '0')}-of-${digits}.safetensors`,
  );
  const missing = wanted.find((name) => !found.includes(name));
  if (missing === undefined && wanted.length === found.length) return wanted;
  const is =
    missing === undefined
      ? `its shards are of more than one split: ${firstOf(found.map(quoted))}`
      : `${quoted(missing)} is not in the folder`;
  const next = 'A download was probably cut short';
  throw new RefuteError({ code: 'E_FOLDER_SHARD_MISSING', place: path, is, allowed: 'a model needs all parts', next });
}

function passedOver(first: string, ownCount: number, others: readonly string[]): Notice[] {
  if (others.length === 0) return [];
  const read = ownCount === 1 ? quoted(first) : `${quoted(first)} with the other files of its split`;
  const message = `the folder holds ${others.length + ownCount} GGUF files: ${read} is read, ${firstOf(others.map(quoted))} not.`;
  return [{ severity: 'warning', code: 'FOLDER-CHOICE', message }];
}

/** Weights beside the model's, of which Transformers knows nothing either. */
export function besideNotices(names: readonly string[], chosen: readonly string[]): Notice[] {
  const beside = names.filter((name) => WEIGHTS.test(name) && !chosen.includes(name) && !ADAPTER.test(name));
  if (beside.length === 0) return [];
  const message = `${quoted(chosen[0] ?? '')} is read, ${firstOf(beside.map(quoted))} beside it not.`;
  return [{ severity: 'note', code: 'FOLDER-CHOICE', message }];
}

/** Transformers applies one where its package for adapters is installed, and loads the model as it is elsewhere. */
function adapterNotices(names: readonly string[]): Notice[] {
  const adapter = names.find((name) => ADAPTER.test(name));
  if (adapter === undefined || !names.includes('adapter_config.json')) return [];
  const message = `${quoted(adapter)} is an adapter and is not applied: the model is run without it.`;
  return [{ severity: 'warning', code: 'FOLDER-ADAPTER', message }];
}
