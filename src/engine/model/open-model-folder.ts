// Which files of a folder are the model. Order: model.safetensors.index.json, model.safetensors, the shards
// model-00001-of-0000N.safetensors, the first *.gguf. What is passed over is said.
import { RefuteError } from '../../errors.ts';
import { quoted } from '../formats/quoted.ts';
import { MAX_SHARDS } from '../formats/safetensors-limits.ts';
import type { Notice } from '../../notice.ts';

export type FolderChoice =
  | { kind: 'gguf'; name: string; notices: Notice[] }
  /** `shards` are null where the index has yet to be read. */
  | { kind: 'safetensors'; shards: string[] | null; notices: Notice[] };

export const INDEX_NAME = 'model.safetensors.index.json';
const SINGLE_NAME = 'model.safetensors';
const SHARD_NAME = /^model-(\d{5})-of-(\d{5})\.safetensors$/;

/**
 * @param names the folder's entries
 * @throws RefuteError E_FOLDER_NO_MODEL, E_FOLDER_SHARD_MISSING
 */
export function chooseInFolder(path: string, names: readonly string[]): FolderChoice {
  if (names.includes(INDEX_NAME)) return { kind: 'safetensors', shards: null, notices: [] };
  if (names.includes(SINGLE_NAME)) return { kind: 'safetensors', shards: [SINGLE_NAME], notices: [] };
  const shards = names.filter((name) => SHARD_NAME.test(name));
  if (shards.length > 0) return { kind: 'safetensors', shards: allShards(path, shards), notices: [] };
  const [first, ...others] = names.filter((name) => name.toLowerCase().endsWith('.gguf'));
  if (first !== undefined) return { kind: 'gguf', name: first, notices: passedOver(first, others) };
  throw new RefuteError({
    code: 'E_FOLDER_NO_MODEL',
    place: path,
    is: 'the folder holds no model',
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
      ? `its shards are of more than one split: ${found.slice(0, 4).map(quoted).join(', ')}`
      : `${quoted(missing)} is not in the folder`;
  const next = 'A download was probably cut short';
  throw new RefuteError({ code: 'E_FOLDER_SHARD_MISSING', place: path, is, allowed: 'a model needs all parts', next });
}

function passedOver(first: string, others: readonly string[]): Notice[] {
  if (others.length === 0) return [];
  const shown = others.slice(0, 4).map(quoted).join(', ');
  const message = `the folder holds ${others.length + 1} GGUF files: ${quoted(first)} is read, ${shown} not.`;
  return [{ severity: 'warning', code: 'FOLDER-CHOICE', message }];
}
