// What goes into every op of SmolLM2 and comes out of it: between layers what Transformers recorded, within them the slow
// forward pass. Of the bundled model: trained-stages.ts.
import type { PartContext } from '../../../src/runner/run/falsifier.ts';
import { slowLayer, type SlowModel } from '../references/slow-forward.ts';
import { openSmolLm2 } from './smollm2.ts';
import { runOf, type StageRun } from './trained-stages.ts';

/** First, middle and last: what goes through a layer grows by orders of magnitude on the way. */
export const SMOLLM2_LAYERS: readonly number[] = [0, 15, 29];

/** SmolLM2 on the tokens that Transformers recorded its layers' outputs of; what is within a layer, in double precision. */
export async function smolLm2Run(context: PartContext): Promise<StageRun> {
  const { slow, tokens, packed } = await openSmolLm2(context);
  const stages = new Map<string, Float32Array>();
  for (const layer of SMOLLM2_LAYERS) {
    const before = `layer-${layer - 1}/post_ffn_residual`;
    const hidden = layer === 0 ? embedded(slow, tokens) : await packed(`${before}.bin`);
    stages.set(layer === 0 ? 'layer-0/embedding' : before, Float32Array.from(hidden));
    for (const [path, values] of slowLayer(slow, tokens, layer, Float64Array.from(hidden))) {
      stages.set(path, Float32Array.from(values));
    }
  }
  const where = `SmolLM2, ${tokens.length} recorded tokens`;
  return runOf(where, slow, tokens, SMOLLM2_LAYERS, (path) => stages.get(path) ?? new Float32Array(0));
}

function embedded(model: SlowModel, tokens: readonly number[]): number[] {
  const { modelDim } = model;
  const table = model.weight('token_embd.weight') ?? new Float64Array(0);
  return tokens.flatMap((token) => [...table.subarray(token * modelDim, (token + 1) * modelDim)]);
}
