// Gemma 3 270M, the public model that `npm run models` fetches, through the slow forward pass, for the inputs of the types
// that its file has (q8_0, q5_0, q4_k, q6_k). Nobody recorded it: its own pass, in double precision, is all that is
// known of it here.
import { readFileSync } from 'node:fs';
import { q4_k } from '../../../src/oracles/float64/dequantize/q4_k.ts';
import { q5_0 } from '../../../src/oracles/float64/dequantize/q5_0.ts';
import { q6_k } from '../../../src/oracles/float64/dequantize/q6_k.ts';
import { q8_0 } from '../../../src/oracles/float64/dequantize/q8_0.ts';
import type { PartContext } from '../../../src/runner/run/falsifier.ts';
import { slowLayer, type SlowModel } from '../references/slow-forward.ts';
import { readGguf, type GgufContent } from './gguf-file.ts';
import { valuesOfTensor, type Decoders } from './gguf-weights.ts';
import { runOf, type StageRun } from './trained-stages.ts';

const DECODERS: Decoders = new Map([
  [6, [{ label: 'q5_0', blockElements: 32, blockBytes: 22 }, q5_0]],
  [8, [{ label: 'q8_0', blockElements: 32, blockBytes: 34 }, q8_0]],
  [12, [{ label: 'q4_k', blockElements: 256, blockBytes: 144 }, q4_k]],
  [14, [{ label: 'q6_k', blockElements: 256, blockBytes: 210 }, q6_k]],
]);

/** "The capital of France is Paris." after <bos>. */
const TOKENS = [2, 818, 5279, 529, 7001, 563, 9079, 236761];

/** The first, whose window is short, and the first that sees everything. */
const LAYERS: readonly number[] = [0, 5];

/** Every sixth layer sees everything and turns slower; GGUF has no key for either. */
const PERIOD = 6;
const LOCAL_THETA = 10_000;

export async function gemma3Run(context: PartContext): Promise<StageRun> {
  const file = readGguf(readFileSync(context.model('model:gemma3-270m')));
  const model = slowModel(file);
  const stages = new Map<string, Float32Array>();
  let hidden = embedded(file, model);
  stages.set('layer-0/embedding', Float32Array.from(hidden));
  for (let layer = 0; layer <= Math.max(...LAYERS); layer++) {
    for (const [path, values] of slowLayer(model, TOKENS, layer, hidden)) {
      stages.set(path, Float32Array.from(values));
      if (path === `layer-${layer}/post_ffn_residual`) hidden = values;
    }
  }
  const where = `Gemma 3 270M, ${TOKENS.length} tokens`;
  return runOf(where, model, TOKENS, LAYERS, (path) => stages.get(path) ?? new Float32Array(0));
}

function embedded({ tensors }: GgufContent, { modelDim, embeddingScale = 1 }: SlowModel): Float64Array {
  const table = tensors.find(({ name }) => name === 'token_embd.weight');
  if (table === undefined) throw new Error('the file has no embedding');
  const rows = TOKENS.flatMap((token) => [...valuesOfTensor(table, DECODERS, token * modelDim, modelDim)]);
  return Float64Array.from(rows, (value) => value * embeddingScale);
}

function slowModel({ metadata, tensors }: GgufContent): SlowModel {
  const named = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const number = (key: string): number => Number(metadata.get(`gemma3.${key}`));
  const [modelDim, headDim] = [number('embedding_length'), number('attention.key_length')];
  const theta = number('rope.freq_base');
  const isLocal = (layer: number): boolean => (layer + 1) % PERIOD !== 0;
  return {
    layerCount: number('block_count'),
    modelDim,
    ffnDim: number('feed_forward_length'),
    headCount: number('attention.head_count'),
    kvHeadCount: number('attention.head_count_kv'),
    headDim,
    vocabSize: (named.get('token_embd.weight')?.elementCount ?? Number.NaN) / modelDim,
    rmsNormEps: number('attention.layer_norm_rms_epsilon'),
    ropeTheta: theta,
    frequency: (i, _, layer) => (isLocal(layer) ? LOCAL_THETA : theta) ** ((-2 * i) / headDim),
    turnsHalves: true,
    slidingWindow: null,
    windowOf: (layer) => (isLocal(layer) ? number('attention.sliding_window') : null),
    embeddingScale: Math.sqrt(modelDim),
    usesGelu: true,
    weight(name) {
      const tensor = named.get(name);
      return tensor === undefined ? undefined : valuesOfTensor(tensor, DECODERS);
    },
  };
}
