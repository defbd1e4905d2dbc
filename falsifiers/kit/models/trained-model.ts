// The bundled model as its trainer left it: config.json and safetensors, read without the product, as a slow model.
import { readFile } from 'node:fs/promises';
import type { PartContext } from '../../../src/runner/run/falsifier.ts';
import { readSafetensors, trainerName, valuesOf } from './safetensors.ts';
import type { SlowModel } from '../references/slow-forward.ts';

interface TrainerConfig {
  num_hidden_layers: number;
  hidden_size: number;
  intermediate_size: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  vocab_size: number;
  rms_norm_eps: number;
  rope_parameters: { rope_theta: number; rope_type: string };
}

const FOLDER = 'models/sums-2m/hf';

export async function slowTrainedModel(context: PartContext): Promise<SlowModel> {
  const config = JSON.parse(await readFile(context.data(`${FOLDER}/config.json`), 'utf8')) as TrainerConfig;
  const tensors = await readSafetensors(context.data(`${FOLDER}/model.safetensors`));
  const decoded = new Map<string, Float64Array>();
  return {
    layerCount: config.num_hidden_layers,
    modelDim: config.hidden_size,
    ffnDim: config.intermediate_size,
    headCount: config.num_attention_heads,
    kvHeadCount: config.num_key_value_heads,
    headDim: config.hidden_size / config.num_attention_heads,
    vocabSize: config.vocab_size,
    rmsNormEps: config.rms_norm_eps,
    ropeTheta: config.rope_parameters.rope_theta,
    turnsHalves: true,
    slidingWindow: null,
    weight(name) {
      const tensor = tensors.get(trainerName(name) ?? '');
      if (tensor !== undefined && !decoded.has(name)) decoded.set(name, valuesOf(tensor));
      return decoded.get(name);
    },
  };
}
