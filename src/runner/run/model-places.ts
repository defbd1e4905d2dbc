// Where the models lie that a part may need, and how a person gets them.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { RefuteError } from '../../errors.ts';
import type { Need } from './falsifier.ts';

export type ModelNeed = Extract<Need, `model:${string}`>;

interface ModelPlace {
  folder: string;
  /** Taken when the falsifier names no file. */
  file: string;
  /** How a person gets it. */
  source: string;
  /** False: git does not hold it, so a clone without it is complete. */
  isBundled: boolean;
}

export const MODEL_PLACES: Readonly<Record<ModelNeed, ModelPlace>> = {
  'model:sums-2m': {
    folder: 'models/sums-2m',
    file: 'sums-2m.q4_k_m.gguf',
    isBundled: true,
    source: 'it is part of the repository',
  },
  'model:smollm2': {
    folder: 'models/cache',
    file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
    isBundled: false,
    source: '"npm run models" fetches it',
  },
  'model:gemma3-270m': {
    folder: 'models/cache',
    file: 'gemma-3-270m-q4_k_m.gguf',
    isBundled: false,
    source: '"npm run models" fetches it',
  },
};

/** Path of a model relative to the root. `file`: another file of the same folder. */
export function findModel(root: string, need: ModelNeed, file?: string): string {
  const place = MODEL_PLACES[need];
  const name = file ?? place.file;
  if (!listModels(root, place.folder).includes(name)) {
    const is = `no such model for ${need}`;
    throw new RefuteError({ code: 'E_MODEL_ABSENT', place: `${place.folder}/${name}`, is, next: place.source });
  }
  return `${place.folder}/${name}`;
}

/** True for a model that is fetched, not committed: where it is absent its digest cannot be checked. */
export function isFetchedModel(path: string): boolean {
  return Object.values(MODEL_PLACES).some((place) => !place.isBundled && path.startsWith(`${place.folder}/`));
}

export function listModels(root: string, folder: string): string[] {
  const path = join(root, folder);
  return existsSync(path) ? readdirSync(path).filter((name) => name.endsWith('.gguf')) : [];
}
