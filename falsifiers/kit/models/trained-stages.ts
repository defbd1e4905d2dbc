// What goes into every op of a trained model and comes out of it, from sources that have not run the product: of the bundled
// model a forward pass in double precision (any tokens) and the packs that Transformers recorded in float32; of SmolLM2:
// smollm2-stages.ts. One kernel is tried on such inputs by itself, so that a receipt about it hangs on that kernel and not
// on the whole engine.
import type { PartContext } from '../../../src/runner/run/falsifier.ts';
import { readPackManifest, readPackStage } from './packs.ts';
import { SeededRandom } from '../arbitraries/random.ts';
import { slowForward, type SlowModel } from '../references/slow-forward.ts';
import { slowTrainedModel } from './hf-model.ts';

export interface StageRun {
  where: string;
  model: SlowModel;
  tokens: readonly number[];
  /** Those whose stages there are. */
  layers: readonly number[];
  /** [positions, channels] as float32; `layer` null: of the whole model. */
  stage: (layer: number | null, name: string) => Float32Array;
  /** Of every layer's stage; `embedding` in front of layer 0, the layer before it elsewhere. */
  layerInput: (layer: number) => Float32Array;
}

/** Lengths of the random token lists: one, a few, and more than one block of attention. */
const RUN_LENGTHS = [1, 7, 70];
export const LIVE_RUNS: number = RUN_LENGTHS.length;

/** The trained model on random tokens, in double precision; stages rounded to float32. */
export async function trainedRuns(context: PartContext): Promise<StageRun[]> {
  const model = await slowTrainedModel(context);
  context.model('model:sums-2m');
  return RUN_LENGTHS.map((length) => {
    const random = new SeededRandom(context.seed + length);
    const tokens = Array.from({ length }, () => random.below(model.vocabSize));
    const stages = slowForward(model, tokens);
    return runOf(`${length} random tokens`, model, tokens, ALL_LAYERS, (path) =>
      Float32Array.from(stages.get(path) ?? []),
    );
  });
}

const PACK_FOLDER = 'models/sums-2m/packs/float32';
const PACK_NAMES = ['chat-addition', 'raw-sum', 'spell-backwards', 'two-turns', 'unicode'];
export const PACK_RUNS: number = PACK_NAMES.length;
/** Of the bundled model: how often an op of a layer occurs in a run. */
export const LAYERS = 4;
const ALL_LAYERS = Array.from({ length: LAYERS }, (_, layer) => layer);

/** What Transformers recorded; names it as the oracle. Only the stages in `names` are read, and pinned. */
export async function recordedRuns(context: PartContext, names: readonly string[]): Promise<StageRun[]> {
  const model = await slowTrainedModel(context);
  const runs: StageRun[] = [];
  for (const pack of PACK_NAMES) {
    const folder = `${PACK_FOLDER}/${pack}`;
    const manifest = await readPackManifest(context, folder);
    const stages = new Map<string, Float32Array>();
    for (const [path, { stage }] of Object.entries(manifest.files)) {
      if (!names.includes(stage)) continue;
      stages.set(path.replace(/\.bin$/, ''), await readPackStage(context, folder, manifest, path));
    }
    runs.push(runOf(pack, model, manifest.tokens, ALL_LAYERS, (path) => stages.get(path) ?? new Float32Array(0)));
  }
  return runs;
}

/** @param read a stage by its path, empty where there is none */
export function runOf(
  where: string,
  model: SlowModel,
  tokens: readonly number[],
  layers: readonly number[],
  read: (path: string) => Float32Array,
): StageRun {
  const stage = (layer: number | null, name: string): Float32Array => {
    const values = read(layer === null ? name : `layer-${layer}/${name}`);
    if (values.length === 0) throw new Error(`${where} has no stage ${name} of layer ${layer}`);
    return values;
  };
  return {
    where,
    model,
    tokens,
    layers,
    stage,
    layerInput: (layer) => (layer === 0 ? stage(0, 'embedding') : stage(layer - 1, 'post_ffn_residual')),
  };
}

/** Channels [from, from + count) of every row. */
export function columns(rows: Float32Array, width: number, from: number, count: number): Float32Array {
  const out = new Float32Array((rows.length / width) * count);
  for (let row = 0; row * width < rows.length; row++) {
    out.set(rows.subarray(row * width + from, row * width + from + count), row * count);
  }
  return out;
}
