// A folder of Transformers (config.json and safetensors, by its rules) as a slow model, read without the product: the bundled
// model as its trainer left it, and the untrained ones of models/tiny.
import { readFile } from 'node:fs/promises';
import type { Rope } from './tiny-rope.ts';
import { parseSafetensorsFile, trainerName, valuesOf, type SafeTensor } from './safetensors.ts';
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
  rope_parameters: Rope | Record<'full_attention' | 'sliding_attention', Rope>;
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
  const stated = JSON.parse(await readFile(path('config.json'), 'utf8')) as Config & { text_config?: Config };
  const config = stated.text_config ?? stated;
  const { tensors } = parseSafetensorsFile(await readFile(path('model.safetensors')));
  const headDim = config.head_dim ?? config.hidden_size / config.num_attention_heads;
  const isGemma = config.model_type.startsWith('gemma');
  const { rope_theta: ropeTheta, partial_rotary_factor: share = 1 } = ropeOf(config, config.num_hidden_layers - 1);
  const turnedWidth = Math.floor(headDim * share);
  const prefix = stated.text_config === undefined ? '' : 'language_model.';
  const decoded = new Map<string, Float64Array | undefined>();
  return {
    layerCount: config.num_hidden_layers,
    modelDim: config.hidden_size,
    ffnDim: config.intermediate_size,
    headCount: config.num_attention_heads,
    kvHeadCount: config.num_key_value_heads,
    headDim,
    vocabSize: config.vocab_size,
    rmsNormEps: config.rms_norm_eps,
    ropeTheta,
    ...rotation(config, turnedWidth, ropeRules),
    turnedWidth,
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
      if (!decoded.has(name)) {
        const whole = tensors.get(prefix + (trainerName(name, isGemma) ?? ''));
        decoded.set(name, whole === undefined ? fusedRows(config, headDim, tensors, name) : valuesOf(whole));
      }
      return decoded.get(name);
    },
  };
}

/** Gemma 3 has one for layers with a window and one for the others. */
function ropeOf({ rope_parameters: rope, layer_types: types }: Config, layer: number): Rope {
  return 'full_attention' in rope ? rope[types?.[layer] as 'full_attention' | 'sliding_attention'] : rope;
}

function rotation(
  config: Config,
  turnedWidth: number,
  rules: RopeRules | undefined,
): Pick<SlowModel, 'frequency' | 'rotationFactor'> {
  const layers = Array.from({ length: config.num_hidden_layers }, (_, layer) => {
    const rope = { maxPositions: config.max_position_embeddings, ...ropeOf(config, layer) };
    if (rules === undefined && rope.rope_type !== 'default') throw new Error(`no rules for ${rope.rope_type}`);
    return rules?.(rope, turnedWidth);
  });
  const [first] = layers;
  if (first === undefined) return {};
  const { rotationFactor } = first;
  if (layers.some((of) => of?.rotationFactor !== rotationFactor)) throw new Error('layers turn by different factors');
  return {
    frequency: (i, positionCount, layer) => layers[layer]?.frequency(i, positionCount, layer) ?? Number.NaN,
    rotationFactor,
  };
}

/** Rows of the matrices that Phi-3 stores as one: all queries, all keys, all values; all gates, all ups. */
function fusedRows(
  config: Config,
  headDim: number,
  tensors: ReadonlyMap<string, SafeTensor>,
  name: string,
): Float64Array | undefined {
  const [, layer, part = ''] = /^blk\.(\d+)\.(\w+)\.weight$/.exec(name) ?? [];
  const [q, k, f] = [config.num_attention_heads * headDim, config.num_key_value_heads * headDim, config.intermediate_size];
  const places: Readonly<Record<string, [stored: string, first: number, end: number]>> = {
    attn_q: ['self_attn.qkv_proj', 0, q],
    attn_k: ['self_attn.qkv_proj', q, q + k],
    attn_v: ['self_attn.qkv_proj', q + k, q + 2 * k],
    ffn_gate: ['mlp.gate_up_proj', 0, f],
    ffn_up: ['mlp.gate_up_proj', f, 2 * f],
  };
  const [stored, first, end] = places[part] ?? [];
  const fused = tensors.get(`model.layers.${layer}.${stored}.weight`);
  if (fused === undefined || first === undefined || end === undefined) return undefined;
  return valuesOf(fused).subarray(first * config.hidden_size, end * config.hidden_size);
}

/** mistral and phi3: in every layer; the others where layer_types says so. */
function windowOf(config: Config, layer: number): number | null {
  const window = config.sliding_window ?? null;
  if (config.model_type === 'mistral' || config.model_type === 'phi3') return window;
  return config.layer_types?.[layer] === 'sliding_attention' ? window : null;
}
