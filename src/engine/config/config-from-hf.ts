// config.json -> ModelConfig, by Transformers' rules, each number with where it came from. A key that would change the
// result and is not implemented is an error, never ignored; a default taken is a notice.
import { RefuteError } from '../../errors.ts';
import { shownValue } from '../formats/quoted.ts';
import type { Notice } from '../../notice.ts';
import { ARCHITECTURES } from '../architectures/registry.ts';
import type { ArchitectureRules } from '../architectures/rules.ts';
import { checkHeads, LIMITS, provenanceOf, unknownArchitecture } from './config-rules.ts';
import type { Experts, ModelConfig } from '../program/config.ts';
import { HF_MODEL_TYPES, knownHfKeys, type HfModelType } from './hf-keys.ts';
import { windowFromHf } from './window-from-hf.ts';
import { MetadataReader } from './metadata-reader.ts';
import { ropeFromHf } from './rope-from-hf.ts';
import { readContextLength } from './rope-scaling.ts';
import { reportUnreadKeys } from './unread-keys.ts';

export interface HfModelHeader {
  /** Of config.json, for messages. */
  path: string;
  /** config.json, nested objects as `outer.inner`. */
  metadata: ReadonlyMap<string, unknown>;
  /** By canonical name. */
  tensors: readonly { name: string; shape: readonly number[] }[];
}

const WHY = "Transformers' default";

/**
 * @throws RefuteError E_CONFIG_ARCHITECTURE, E_CONFIG_MISSING_KEY, E_CONFIG_VALUE, E_CONFIG_PER_LAYER,
 *   E_CONFIG_UNSUPPORTED, E_CONFIG_HEADS
 */
export function configFromHf({ path, metadata, tensors }: HfModelHeader): { config: ModelConfig; notices: Notice[] } {
  const modelType = readModelType(path, metadata);
  const { architecture } = modelType;
  const rules = ARCHITECTURES[architecture];
  const shapes = new Map(tensors.map(({ name, shape }) => [name, shape]));
  const reader: MetadataReader = new MetadataReader(path, metadata, '', () =>
    reader.requiredCount('layerCount', 'num_hidden_layers', LIMITS.layerCount),
  );
  reader.record('architecture', 'metadata', 'model_type');
  reportUnreadKeys(reader, knownHfKeys(modelType));
  checkActivation(reader, rules);

  const layerCount = reader.requiredCount('layerCount', 'num_hidden_layers', LIMITS.layerCount);
  const modelDim = reader.requiredCount('modelDim', 'hidden_size', LIMITS.modelDim);
  const heads = readHeads(reader, shapes);
  const maxPositions = reader.requiredCount('contextLength', 'max_position_embeddings', LIMITS.contextLength);
  const rope = ropeFromHf(reader, { headDim: heads.headDim, maxPositions });
  const config: Omit<ModelConfig, 'provenance'> = {
    architecture,
    layerCount,
    modelDim,
    ffnDim: reader.requiredCount('ffnDim', 'intermediate_size', LIMITS.ffnDim),
    ...heads,
    vocabSize: reader.requiredCount('vocabSize', 'vocab_size', LIMITS.vocabSize),
    contextLength: readContextLength(reader, rope, maxPositions),
    rmsNormEps:
      reader.positive('rmsNormEps', 'rms_norm_eps') ??
      reader.default('rmsNormEps', 'RMS-EPS-DEFAULT', 'rms_norm_eps', 1e-6, WHY),
    rope,
    ...windowFromHf(reader, modelType, layerCount),
    attentionScale: readAttentionScale(reader, rules, heads.headDim),
    attentionSoftcap: readSoftcap(reader, rules, 'attentionSoftcap', 'attn_logit_softcapping'),
    logitSoftcap: readSoftcap(reader, rules, 'logitSoftcap', 'final_logit_softcapping'),
    embeddingScale: rules.gemma === null ? 1 : Math.sqrt(modelDim),
    normOffset: rules.gemma?.normOffset ?? 0,
    hasQkvBias: readQkvBias(reader, rules, shapes),
    hasQkNorm: rules.hasQkNorm,
    experts: readExperts(reader, rules),
    isTied:
      reader.flag('isTied', 'tie_word_embeddings') ??
      reader.default('isTied', 'TIED-DEFAULT', 'tie_word_embeddings', modelType.isTied, WHY),
  };
  reader.record('embeddingScale', 'architecture', rules.gemma === null ? 'none' : '√modelDim');
  reader.record('normOffset', 'architecture', rules.gemma === null ? 'none' : 'gains are stored less 1');
  reader.record('hasQkNorm', 'architecture', rules.hasQkNorm ? 'always' : 'never');
  return { config: { ...config, provenance: provenanceOf(reader) }, notices: reader.notices };
}

function readModelType(path: string, metadata: ReadonlyMap<string, unknown>): HfModelType {
  const name = metadata.get('model_type');
  const found = typeof name === 'string' ? HF_MODEL_TYPES.get(name) : undefined;
  if (found === undefined) {
    const is = name === undefined ? 'config.json has no model_type' : `model_type is ${shownValue(name)}`;
    throw unknownArchitecture(path, is);
  }
  const classes = metadata.get('architectures');
  const first: unknown = Array.isArray(classes) ? classes[0] : undefined;
  if (first !== undefined && !(typeof first === 'string' && first.endsWith('ForCausalLM'))) {
    throw unknownArchitecture(path, `the class is ${shownValue(first)}, which is no causal language model`);
  }
  return found;
}

function checkActivation(reader: MetadataReader, { gemma }: ArchitectureRules): void {
  const [key, wanted] = gemma === null ? ['hidden_act', 'silu'] : ['hidden_activation', 'gelu_pytorch_tanh'];
  const found = reader.get(key);
  if (found === undefined || found === wanted) return;
  throw new RefuteError({
    code: 'E_CONFIG_UNSUPPORTED',
    place: reader.path,
    is: `${key} is ${shownValue(found)}`,
    allowed: `${wanted} is supported`,
  });
}

/** Head width and kv heads may be left out; then the tensors say them, whatever a class has as its default. */
function readHeads(
  reader: MetadataReader,
  shapes: ReadonlyMap<string, readonly number[]>,
): Pick<ModelConfig, 'headCount' | 'kvHeadCount' | 'headDim'> {
  const headCount = reader.requiredCount('headCount', 'num_attention_heads', LIMITS.headCount);
  const fromRows = (name: 'headDim' | 'kvHeadCount', key: string, tensor: string, divisor: number): number => {
    const rows = shapes.get(tensor)?.[0];
    if (rows === undefined) return reader.missing(key);
    if (rows % divisor !== 0) {
      const is = `${key} is absent and ${tensor} has ${rows} rows`;
      throw new RefuteError({ code: 'E_CONFIG_HEADS', place: reader.path, is, allowed: `a multiple of ${divisor}` });
    }
    reader.record(name, 'tensor', `rows of ${tensor} / ${divisor}`);
    return rows / divisor;
  };
  const headDim =
    reader.count('headDim', 'head_dim', LIMITS.headDim) ??
    fromRows('headDim', 'head_dim', 'blk.0.attn_q.weight', headCount);
  const kvHeadCount =
    reader.count('kvHeadCount', 'num_key_value_heads', LIMITS.headCount) ??
    fromRows('kvHeadCount', 'num_key_value_heads', 'blk.0.attn_k.weight', headDim);
  checkHeads(reader.path, headCount, kvHeadCount);
  return { headCount, kvHeadCount, headDim };
}

function readAttentionScale(reader: MetadataReader, { gemma }: ArchitectureRules, headDim: number): number {
  if (gemma === null) {
    reader.record('attentionScale', 'architecture', '1 / √headDim');
    return 1 / Math.sqrt(headDim);
  }
  const key = 'query_pre_attn_scalar';
  const scalar =
    reader.positive('attentionScale', key) ??
    reader.default('attentionScale', 'ATTENTION-SCALE-DEFAULT', key, gemma.queryScalar, WHY);
  return 1 / Math.sqrt(scalar);
}

function readSoftcap(
  reader: MetadataReader,
  { gemma }: ArchitectureRules,
  name: 'attentionSoftcap' | 'logitSoftcap',
  key: string,
): number | null {
  if (gemma === null || reader.isNull(key)) {
    reader.record(name, gemma === null ? 'architecture' : 'metadata', gemma === null ? 'none' : key);
    return null;
  }
  return reader.positive(name, key) ?? reader.default(name, 'SOFTCAP-DEFAULT', key, gemma[name], WHY);
}

/** Transformers builds the biases that the config asks for, and drops those that only the file has. */
function readQkvBias(
  reader: MetadataReader,
  rules: ArchitectureRules,
  shapes: ReadonlyMap<string, readonly number[]>,
): boolean {
  if (rules.qkvBias === 'always') {
    reader.record('hasQkvBias', 'architecture', 'always');
    return true;
  }
  const isPresent = shapes.has('blk.0.attn_q.bias');
  const isWanted = reader.flag('hasQkvBias', 'attention_bias') ?? false;
  if (isPresent === isWanted) {
    if (reader.get('attention_bias') === undefined) reader.record('hasQkvBias', 'architecture', 'none unless stated');
    return isWanted;
  }
  throw new RefuteError({
    code: 'E_CONFIG_UNSUPPORTED',
    place: reader.path,
    is: `attention_bias is ${shownValue(reader.get('attention_bias'))} and blk.0.attn_q.bias is ${isPresent ? 'present' : 'absent'}`,
    allowed: 'both must say the same',
  });
}

function readExperts(reader: MetadataReader, { hasExperts }: ArchitectureRules): Experts | null {
  if (!hasExperts) {
    for (const name of ['count', 'usedCount', 'ffnDim', 'isRenormalised'] as const) {
      reader.record(`experts.${name}`, 'architecture', 'none');
    }
    return null;
  }
  // Transformers knows the first by two names.
  const count =
    reader.count('experts.count', 'num_local_experts', LIMITS.expertCount) ??
    reader.requiredCount('experts.count', 'num_experts', LIMITS.expertCount);
  return {
    count,
    usedCount: reader.requiredCount('experts.usedCount', 'num_experts_per_tok', count),
    ffnDim: reader.requiredCount('experts.ffnDim', 'moe_intermediate_size', LIMITS.ffnDim),
    isRenormalised:
      reader.flag('experts.isRenormalised', 'norm_topk_prob') ??
      reader.default('experts.isRenormalised', 'EXPERT-NORM-DEFAULT', 'norm_topk_prob', false, WHY),
  };
}
