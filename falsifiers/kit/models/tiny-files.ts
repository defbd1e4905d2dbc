// Where the untrained models of models/tiny lie; each file is pinned as it is named. What is in them is not asked.
import { dirname } from 'node:path';
import type { PartContext } from '../../../src/runner/run/falsifier.ts';

const ROOT = 'models/tiny';

/** Absolute path of a file of a model of models/tiny; read and pinned. */
export function tinyFile(context: PartContext, name: string, file: string): string {
  return context.data(`${ROOT}/${name}/${file}`);
}

/** What to open the model by: its folder `hf`, or `model.gguf`. Pinned file by file: a folder has no digest of its own. */
export function tinyPath(context: PartContext, name: string, file: string): string {
  if (file !== 'hf') return tinyFile(context, name, file);
  const [config] = ['config.json', 'model.safetensors'].map((part) => tinyFile(context, name, `hf/${part}`));
  return dirname(config ?? '');
}
