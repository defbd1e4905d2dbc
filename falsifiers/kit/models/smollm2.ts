// SmolLM2, the public model that `npm run models` fetches, as a slow model, and the pack that Transformers recorded of that
// very file (its weights as decoded).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { q4_1 } from '../../../src/oracles/float64/dequantize/q4_1.ts';
import { q8_0 } from '../../../src/oracles/float64/dequantize/q8_0.ts';
import type { PartContext } from '../../../src/runner/run/falsifier.ts';
import { readGguf } from './gguf-file.ts';
import { valuesOfTensor, type Decoders } from './gguf-weights.ts';
import { readManifest, readPackStage } from './packs.ts';
import type { SlowModel } from '../references/slow-forward.ts';

export const SMOLLM2_PACK = 'models/cache/packs/float64/sum';

const DECODERS: Decoders = new Map([
  [3, [{ label: 'q4_1', blockElements: 32, blockBytes: 20 }, q4_1]],
  [8, [{ label: 'q8_0', blockElements: 32, blockBytes: 34 }, q8_0]],
]);

export interface SmolLm2 {
  path: string;
  slow: SlowModel;
  /** Of the pack. */
  tokens: readonly number[];
  /** A stage of the pack: every layer's output, the final norm and the logits. */
  packed: (path: string) => Promise<Float32Array>;
}

/** Pins the file, and of the pack what is read. @throws Error where the pack was recorded of another file */
export async function openSmolLm2(context: PartContext): Promise<SmolLm2> {
  const path = context.model('model:smollm2');
  const { manifest } = await readManifest(context, SMOLLM2_PACK);
  const bytes = readFileSync(path);
  if (createHash('sha256').update(bytes).digest('hex') !== manifest.model.sha256) {
    throw new Error(`${SMOLLM2_PACK} was not recorded of ${path}`);
  }
  return {
    path,
    slow: slowModel(bytes),
    tokens: manifest.tokens,
    packed: (stage) => readPackStage(context, SMOLLM2_PACK, manifest, stage),
  };
}

function slowModel(file: Buffer): SlowModel {
  const { metadata, tensors } = readGguf(file);
  const named = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const number = (key: string): number => Number(metadata.get(`llama.${key}`));
  const [modelDim, headCount] = [number('embedding_length'), number('attention.head_count')];
  return {
    layerCount: number('block_count'),
    modelDim,
    ffnDim: number('feed_forward_length'),
    headCount,
    kvHeadCount: number('attention.head_count_kv'),
    headDim: modelDim / headCount,
    vocabSize: number('vocab_size'),
    rmsNormEps: number('attention.layer_norm_rms_epsilon'),
    ropeTheta: number('rope.freq_base'),
    turnsHalves: false,
    slidingWindow: null,
    weight(name) {
      const tensor = named.get(name);
      return tensor === undefined ? undefined : valuesOfTensor(tensor, DECODERS);
    },
  };
}
