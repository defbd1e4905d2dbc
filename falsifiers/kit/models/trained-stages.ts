// What goes into every op of a trained model and comes out of it, from sources that have not run the product: of the bundled
// model a forward pass in double precision (any tokens) and the packs that Transformers recorded in float32; of SmolLM2
// what Transformers recorded between layers, and the same pass within them. One kernel is tried on such inputs by itself,
// so that a receipt about it hangs on that kernel and not on the whole engine.
import type { PartContext } from '../../../src/runner/run/falsifier.ts';
import { readPackManifest, readPackStage } from './packs.ts';
import { SeededRandom } from '../arbitraries/random.ts';
import { slowForward, slowLayer, type SlowModel } from '../references/slow-forward.ts';
import { openSmolLm2 } from './smollm2.ts';
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

function runOf(
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
