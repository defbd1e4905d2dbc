// The product's functions that the harness itself calls for a falsifier. Their modules are loaded by a computed name: a
// claim hangs on them only where a part asked for one, which `touched.product` then says (sources/entries.ts).
import { pathToFileURL } from 'node:url';
import type { Model } from '../../engine/index.ts';
import { OPEN_MODEL_MODULE } from '../sources/entries.ts';

/** Faults of a model are planted under this call (fault-preload.ts), so it opens what the product would open. */
export async function openProductModel(path: string): Promise<Model> {
  const { openModel } = await load<{ openModel(path: string): Promise<Model> }>(OPEN_MODEL_MODULE);
  return openModel(path);
}

async function load<Module>(path: string): Promise<Module> {
  return (await import(pathToFileURL(path).href)) as Module;
}
