// The product's functions that the harness itself calls for a falsifier. Their modules are loaded by a computed name:
// a claim hangs on them only where a part asked for one, which `touched.product` then says (sources/entries.ts).
import { pathToFileURL } from 'node:url';
import type { Executor, ExecutorId, ExecutorProvider, Model, OpenOptions } from '../../engine/index.ts';
import { EXECUTORS_MODULE, OPEN_MODEL_MODULE } from '../sources/entries.ts';

/** Faults of a model are planted under this call (fault-preload.ts), so it opens what the product would open. */
export async function openProductModel(path: string): Promise<Model> {
  const { openModel } = await load<{ openModel: (path: string) => Promise<Model> }>(OPEN_MODEL_MODULE);
  return openModel(path);
}

/** Why an executor cannot run here, or null when it can. */
export async function missingExecutor(id: ExecutorId): Promise<string | null> {
  const { EXECUTORS } = await load<ExecutorsModule>(EXECUTORS_MODULE);
  const provider = EXECUTORS.find((candidate) => candidate.id === id);
  if (provider === undefined) return 'this version has none';
  const found = await provider.probe();
  return 'absent' in found ? found.absent : null;
}

export async function openProductExecutor(
  id: ExecutorId,
  { program, weights }: Pick<Model, 'program' | 'weights'>,
  options: OpenOptions,
): Promise<Executor> {
  const { executorNamed } = await load<ExecutorsModule>(EXECUTORS_MODULE);
  // A claim names only executors that hand out float32.
  return (await executorNamed(id).open(program, weights, options)) as Executor;
}

interface ExecutorsModule {
  EXECUTORS: readonly ExecutorProvider[];
  executorNamed: (id: string) => ExecutorProvider;
}

async function load<Module>(path: string): Promise<Module> {
  return (await import(pathToFileURL(path).href)) as Module;
}
