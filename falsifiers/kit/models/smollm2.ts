// SmolLM2, the public model that `npm run models` fetches, as a slow model, and the pack that Transformers recorded of that
// very file (its weights as decoded). What the blocks mean is said by the oracle's decoders of the three types that the file
// has. Nothing is kept: all of it in double would be a gigabyte.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { BlockFormat } from '../../../src/oracles/float64/decode/block-format.ts';
import { f32 } from '../../../src/oracles/float64/decode/f32.ts';
import { q4_1 } from '../../../src/oracles/float64/decode/q4_1.ts';
import { q8_0 } from '../../../src/oracles/float64/decode/q8_0.ts';
import type { PartContext } from '../../../src/runner/run/falsifier.ts';
import { readGguf } from './gguf-file.ts';
import { readManifest, readPackStage } from './packs.ts';
import type { SlowModel } from '../references/slow-forward.ts';

export const SMOLLM2_PACK = 'models/cache/packs/float64/sum';

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

/** By GGUF's numbers of the types. */
const FORMATS: ReadonlyMap<number, BlockFormat> = new Map([
  [0, f32],
  [3, q4_1],
  [8, q8_0],
]);

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
      if (tensor === undefined) return undefined;
      const { typeId, elementCount, bytes } = tensor;
      const format = FORMATS.get(typeId);
      if (format === undefined) throw new Error(`${name} is stored in a type that has no decoder here`);
      const values = new Float64Array(elementCount);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let first = 0; first < elementCount; first += format.blockElements) {
        format.decodeBlock(view, (first / format.blockElements) * format.blockBytes, values, first);
      }
      return values;
    },
  };
}
