// What a part may need from a machine, and whether it is there. A missing need makes a part not-run, never green.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { RefuteError } from '../../errors.ts';
import type { Need } from './falsifier.ts';

/** llama.cpp comes inside this package, so its lock entry is the oracle's identity. */
export const LLAMA_PACKAGE = 'node-llama-cpp';

type ModelNeed = Extract<Need, `model:${string}`>;

interface ModelPlace {
  folder: string;
  /** Taken when the falsifier names no file. */
  file: string;
  /** How a person gets it. */
  source: string;
  /** False: git does not hold it, so a clone without it is complete. */
  isBundled: boolean;
}

const MODEL_PLACES: Readonly<Record<ModelNeed, ModelPlace>> = {
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
};

/** Why a need is not met here, or null when it is. */
export async function missingNeed(root: string, need: Need): Promise<string | null> {
  if (need !== 'oracle:llama.cpp') {
    const place = MODEL_PLACES[need];
    if (listModels(root, place.folder).includes(place.file)) return null;
    return `${place.folder}/${place.file} is absent; ${place.source}`;
  }
  return missingLlamaCpp();
}

/** Path of a model relative to the root. `file`: another file of the same folder. */
export function findModel(root: string, need: ModelNeed, file?: string): string {
  const place = MODEL_PLACES[need];
  const name = file ?? place.file;
  if (!listModels(root, place.folder).includes(name)) {
    throw new RefuteError({
      code: 'E_MODEL_ABSENT',
      place: `${place.folder}/${name}`,
      is: `no such model for ${need}`,
      next: place.source,
    });
  }
  return `${place.folder}/${name}`;
}

/** True for a model that is fetched, not committed: where it is absent its digest cannot be checked. */
export function isFetchedModel(path: string): boolean {
  return Object.values(MODEL_PLACES).some((place) => !place.isBundled && path.startsWith(`${place.folder}/`));
}

function listModels(root: string, folder: string): string[] {
  const path = join(root, folder);
  return existsSync(path) ? readdirSync(path).filter((name) => name.endsWith('.gguf')) : [];
}

async function missingLlamaCpp(): Promise<string | null> {
  try {
    const { getLlama, LlamaLogLevel } = await import('node-llama-cpp');
    const llama = await getLlama({ build: 'never', gpu: false, logLevel: LlamaLogLevel.error, progressLogs: false });
    await llama.dispose();
    return null;
  } catch (error) {
    const [line] = String(error instanceof Error ? error.message : error).split('\n');
    return `node-llama-cpp does not load: ${line}`;
  }
}
