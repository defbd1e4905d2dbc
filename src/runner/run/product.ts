// The product's functions that the harness itself calls for a falsifier. Their modules are loaded by a computed name:
// a claim hangs on them only where a part asked for one, which `touched.product` then says (sources/entries.ts).
import { pathToFileURL } from 'node:url';
import type { Connection, ExecutorId, ExecutorProvider, Model } from '../../engine/index.ts';
import { EXECUTORS_MODULE, OPEN_MODEL_MODULE } from '../sources/entries.ts';

/** Faults of a model are planted under this call (fault-preload.ts), so it opens what the product would open. */
export async function openProductModel(path: string): Promise<Model> {
  const { openModel } = await load<{ openModel: (path: string) => Promise<Model> }>(OPEN_MODEL_MODULE);
  return openModel(path);
}

/** An executor of one id, opened as often as a part wants it, on one adapter. */
export type HeldExecutor = Omit<Connection<Float32Array>, 'adapter'> & { adapter: string | null };

/**
 * @param adapter part of the name of the one to run on, for an executor that has any
 * @returns why it cannot run here, where it cannot
 */
export async function holdExecutor(id: ExecutorId, adapter?: string): Promise<HeldExecutor | { absent: string }> {
  const { EXECUTORS } = await load<ExecutorsModule>(EXECUTORS_MODULE);
  const provider = EXECUTORS.find((candidate) => candidate.id === id);
  if (provider === undefined) return { absent: 'this version has none' };
  // A claim names only executors that hand out float32.
  if (provider.connect !== undefined) return (await provider.connect(adapter)) as HeldExecutor | { absent: string };
  const found = await provider.probe(adapter);
  return 'absent' in found ? found : { ...found, open: provider.open as HeldExecutor['open'], close: () => undefined };
}

interface ExecutorsModule {
  EXECUTORS: readonly ExecutorProvider[];
}

async function load<Module>(path: string): Promise<Module> {
  return (await import(pathToFileURL(path).href)) as Module;
}
