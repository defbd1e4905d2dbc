// SmolLM2, the public model that `npm run models` fetches, as a slow model, and the pack that Transformers recorded of that
// very file (its weights as decoded). What the blocks mean is said by the oracle's decoders of the two types that the file
// has. Nothing is kept: all of it in double would be a gigabyte.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { BlockSizes } from '../../../src/engine/formats/tensor-types/tensor-type.ts';
import { dequantizeBlocks, type BlockDequantizer } from '../../../src/oracles/float64/dequantize/dequantize-blocks.ts';
import { q4_1 } from '../../../src/oracles/float64/dequantize/q4_1.ts';
import { q8_0 } from '../../../src/oracles/float64/dequantize/q8_0.ts';
import type { PartContext } from '../../../src/runner/run/falsifier.ts';
import { readGguf } from './gguf-file.ts';
import { readManifest, readPackStage } from './packs.ts';
import type { SlowModel } from '../references/slow-forward.ts';

export const SMOLLM2_PACK = 'models/cache/packs/float64/sum';

const F32 = 0;

/** The quantised types in the file by GGUF's number, and no other: a claim that runs this model hangs on no other decoder. */
const DECODERS: ReadonlyMap<number, readonly [BlockSizes, BlockDequantizer]> = new Map([
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
      if (tensor === undefined) return undefined;
      const { typeId, elementCount, bytes } = tensor;
      if (typeId === F32) return Float64Array.from(new Float32Array(Uint8Array.from(bytes.subarray(0, 4 * elementCount)).buffer));
      const [sizes, dequantizer] = DECODERS.get(typeId) ?? [];
      if (sizes === undefined || dequantizer === undefined) throw new Error(`${name} is of type ${typeId}`);
      const byteLength = (elementCount / sizes.blockElements) * sizes.blockBytes;
      return dequantizeBlocks(sizes, dequantizer, bytes.subarray(0, byteLength));
    },
  };
}
