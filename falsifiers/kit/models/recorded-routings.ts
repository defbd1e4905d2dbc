// What goes into the routers of the untrained models with experts and comes out of them, as Transformers recorded it in float64.
import type { PartContext } from '../../../src/runner/run/falsifier.ts';
import { tinyFile } from './tiny-files.ts';
import { readTinyPack } from './tiny-packs.ts';

/** Logits of a router, and how many of its experts a position goes through. */
export interface Routing {
  rowCount: number;
  expertCount: number;
  usedCount: number;
  isRenormalised: boolean;
  /** [rowCount, expertCount] */
  logits: Float32Array;
}

/** The tiny models with experts. */
const RECORDED = [
  { name: 'qwen3moe', isRenormalised: true },
  { name: 'qwen3moe-raw', isRenormalised: false },
];
const RECORDED_LAYERS = 2;
const RECORDED_EXPERTS = 6;
export const RECORDED_ROUTINGS: number = RECORDED.length * RECORDED_LAYERS;

export interface RecordedRouting {
  where: string;
  model: string;
  layer: number;
  /** Logits rounded to float32. */
  routing: Routing;
  /** As recorded, float64: what went into the router, its logits, ids and shares. */
  input: Float64Array;
  logits: Float64Array;
  ids: Float64Array;
  shares: Float64Array;
}

/** What Transformers recorded in float64; names it as the oracle. */
export async function recordedRoutings(context: PartContext): Promise<RecordedRouting[]> {
  const all: RecordedRouting[] = [];
  for (const { name, isRenormalised } of RECORDED) {
    const { manifest, digest, stages } = await readTinyPack(tinyFile(context, name, 'packs/stages.safetensors'));
    const { producer, tokens } = manifest;
    context.oracle({ name: `${producer.name} ${producer.dtype}`, version: producer.version, digest });
    for (let layer = 0; layer < RECORDED_LAYERS; layer++) {
      const stage = (of: string): Float64Array => {
        const found = stages.get(`layer-${layer}/${of}`);
        if (found === undefined) throw new Error(`the pack of ${name} has no ${of} of layer ${layer}`);
        return found.values;
      };
      const [logits, ids] = [stage('moe_logits'), stage('moe_router_indices')];
      const [rowCount, usedCount] = [tokens.length, ids.length / tokens.length];
      all.push({
        where: `${name}, layer ${layer}`,
        model: name,
        layer,
        routing: {
          rowCount,
          expertCount: RECORDED_EXPERTS,
          usedCount,
          isRenormalised,
          logits: Float32Array.from(logits),
        },
        input: stage('ffn_norm'),
        logits,
        ids,
        shares: stage('moe_router'),
      });
    }
  }
  return all;
}
