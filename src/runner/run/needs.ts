// What a part may need from a machine, and whether it is there. A missing need makes a part not-run, never green.
import type { Need } from './falsifier.ts';
import { listModels, MODEL_PLACES } from './model-places.ts';

/** llama.cpp comes inside this package, so its lock entry is the oracle's identity. */
export const LLAMA_PACKAGE = 'node-llama-cpp';

/** Why a need is not met here, or null when it is. */
export async function missingNeed(root: string, need: Need): Promise<string | null> {
  if (need !== 'oracle:llama.cpp') {
    const place = MODEL_PLACES[need];
    if (listModels(root, place.folder).includes(place.file)) return null;
    return `${place.folder}/${place.file} is absent; ${place.source}`;
  }
  return missingLlamaCpp();
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
