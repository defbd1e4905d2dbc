// The one product function that the harness itself calls for a falsifier: opening a model. The engine is loaded only
// when a part asks for it, so a falsifier of two numbers starts in a few milliseconds.
import type { Model } from '../../engine/index.ts';

/** Faults of a model are planted under this call (fault-preload.ts), so it opens what the product would open. */
export async function openProductModel(path: string): Promise<Model> {
  const { openModel } = await import('../../engine/index.ts');
  return openModel(path);
}
