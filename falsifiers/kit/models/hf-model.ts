// A folder of Transformers (config.json and safetensors, by its rules) as a slow model, read without the product: the bundled
// model as its trainer left it, and the untrained ones of models/tiny.
import { readFile } from 'node:fs/promises';
import type { Rope } from './tiny-rope.ts';
import { parseSafetensorsFile, trainerName, valuesOf } from './safetensors.ts';
import type { PartContext } from '../../../src/runner/run/falsifier.ts';
import type { SlowModel } from '../references/slow-forward.ts';

interface Config {
  model_type: string;
  num_hidden_layers: number;
  hidden_size: number;
  intermediate_size: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  head_dim?: number;
  vocab_size: number;
  rms_norm_eps: number;
  max_position_embeddings: number;
  rope_parameters: Rope;
  sliding_window?: number | null;
  use_sliding_window?: boolean;
  layer_types?: string[];
  query_pre_attn_scalar?: number;
  attn_logit_softcapping?: number | null;
  final_logit_softcapping?: number | null;
  num_experts_per_tok?: number;
  norm_topk_prob?: boolean;
}

/** What a rule of config.json does to rotary embedding. */
export type RopeRules = (
  rope: Rope & { maxPositions: number },
  headDim: number,
) => Required<Pick<SlowModel, 'frequency' | 'rotationFactor'>>;

/** The bundled model. */
export function slowTrainedModel(context: PartContext): Promise<SlowModel> {
  return slowHfModel((file) => context.data(`models/sums-2m/hf/${file}`));
}

/** @param path of a file of the folder, by its name. @param ropeRules needed where rotary embedding is scaled */
export async function slowHfModel(path: (file: string) => string, ropeRules?: RopeRules): Promise<SlowModel> {
  const config = JSON.parse(await readFile(path('config.json'), 'utf8')) as Config;
  const { tensors } = parseSafetensorsFile(await readFile(path('model.safetensors')));
  const headDim = config.head_dim ?? config.hidden_size / config.num_attention_heads;
  const isGemma = config.model_type === 'gemma2';
  const rope = { maxPositions: config.max_position_embeddings, ...config.rope_parameters };
  if (ropeRules === undefined && rope.rope_type !== 'default') throw new Error(`no rules for ${rope.rope_type}`);
  const decoded = new Map<string, Float64Array>();
  return {
    layerCount: config.num_hidden_layers,
    modelDim: config.hidden_size,
    ffnDim: config.intermediate_size,
    headCount: config.num_attention_heads,
    kvHeadCount: config.num_key_value_heads,
    headDim,
    vocabSize: config.vocab_size,
    rmsNormEps: config.rms_norm_eps,
    ropeTheta: config.rope_parameters.rope_theta,
    ...ropeRules?.(rope, headDim),
    turnsHalves: true,
    slidingWindow: null,
    windowOf: (layer) => windowOf(config, layer),
    attentionScale: 1 / Math.sqrt(config.query_pre_attn_scalar ?? headDim),
    attentionSoftcap: config.attn_logit_softcapping ?? null,
    logitSoftcap: config.final_logit_softcapping ?? null,
    embeddingScale: isGemma ? Math.sqrt(config.hidden_size) : 1,
    normOffset: isGemma ? 1 : 0,
    usesGelu: isGemma,
    experts:
      config.num_experts_per_tok === undefined
        ? null
        : { usedCount: config.num_experts_per_tok, isRenormalised: config.norm_topk_prob === true },
    weight(name) {
      const tensor = tensors.get(trainerName(name, isGemma) ?? '');
      if (tensor !== undefined && !decoded.has(name)) decoded.set(name, valuesOf(tensor));
      return decoded.get(name);
    },
  };
}

/** mistral: in every layer; the others where layer_types says so. */
function windowOf(config: Config, layer: number): number | null {
  const window = config.sliding_window ?? null;
  if (config.model_type === 'mistral') return window;
  return config.layer_types?.[layer] === 'sliding_attention' ? window : null;
}
