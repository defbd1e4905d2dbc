// SmolLM2, the public model that `npm run models` fetches, as a slow model, and the pack that Transformers recorded of that
// very file (its weights as decoded). Header by the product's GGUF reader, which other claims judge; what the blocks mean by
// the oracle's decoder. Nothing is kept: all of it in double would be a gigabyte.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseGguf } from '../../../src/engine/formats/gguf.ts';
import { f32 } from '../../../src/engine/formats/tensor-types/f32.ts';
import { q4_1 } from '../../../src/engine/formats/tensor-types/q4_1.ts';
import { q8_0 } from '../../../src/engine/formats/tensor-types/q8_0.ts';
import type { TensorType } from '../../../src/engine/formats/tensor-types/tensor-type.ts';
import { openFile } from '../../../src/engine/io/open-file.ts';
import { dequantizeBlocks, type BlockDequantizer } from '../../../src/oracles/float64/dequantize/dequantize-blocks.ts';
import { f32 as exactF32 } from '../../../src/oracles/float64/dequantize/f32.ts';
import { q4_1 as exactQ41 } from '../../../src/oracles/float64/dequantize/q4_1.ts';
import { q8_0 as exactQ80 } from '../../../src/oracles/float64/dequantize/q8_0.ts';
import type { PartContext } from '../../../src/runner/run/falsifier.ts';
import { readManifest, readPackStage } from './packs.ts';
import type { SlowModel } from '../references/slow-forward.ts';

export const SMOLLM2_PACK = 'models/cache/packs/float64/sum';

/** The types in the file, and no other: a claim that runs this model does not hang on every decoder. */
const DECODERS: Readonly<Record<string, readonly [TensorType, BlockDequantizer]>> = {
  f32: [f32, exactF32],
  q4_1: [q4_1, exactQ41],
  q8_0: [q8_0, exactQ80],
};

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
    slow: await slowModel(path, bytes),
    tokens: manifest.tokens,
    packed: (stage) => readPackStage(context, SMOLLM2_PACK, manifest, stage),
  };
}

async function slowModel(path: string, bytes: Buffer): Promise<SlowModel> {
  const source = await openFile(path);
  const { metadata, tensors } = await parseGguf(source);
  await source.close();
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
      const { type, byteOffset, byteLength } = tensor;
      const decoder = DECODERS[type ?? ''];
      if (decoder === undefined || byteLength === null) throw new Error(`${name} is ${type}, which this file has not`);
      return dequantizeBlocks(...decoder, bytes.subarray(byteOffset, byteOffset + byteLength));
    },
  };
}
