// GGUF metadata -> ModelConfig, by llama.cpp's rules, each number with where it came from. A key that would change the
// result and is not implemented is an error, never ignored; a default taken is a notice.
import { RefuteError } from '../../errors.ts';
import { shownValue } from '../formats/quoted.ts';
import type { Notice } from '../../notice.ts';
import { ARCHITECTURES, isArchitecture } from '../architectures/registry.ts';
import type { ArchitectureRules } from '../architectures/rules.ts';
import { checkHeads, LIMITS, provenanceOf, unknownArchitecture } from './config-rules.ts';
import type { Architecture, Experts, ModelConfig } from '../program/config.ts';
import { knownGgufKeys } from './gguf-keys.ts';
import { MetadataReader } from './metadata-reader.ts';
import { reportUnreadKeys } from './unread-keys.ts';
import { ropeFromGguf } from './rope-from-gguf.ts';
import { readContextLength } from './rope-scaling.ts';

export interface GgufModelHeader {
  /** For messages. */
  path: string;
  metadata: ReadonlyMap<string, unknown>;
  tensors: readonly { name: string; elementCount: number }[];
}

/**
 * @throws RefuteError E_CONFIG_ARCHITECTURE, E_CONFIG_MISSING_KEY, E_CONFIG_VALUE, E_CONFIG_PER_LAYER,
 *   E_CONFIG_UNSUPPORTED, E_CONFIG_HEADS, E_CONFIG_VOCABULARY, E_CONFIG_ROPE, E_MODEL_TENSOR_MISSING
 */
export function configFromGguf(header: GgufModelHeader): { config: ModelConfig; notices: Notice[] } {
  const architecture = readArchitecture(header);
  const rules = ARCHITECTURES[architecture];
  const tensors = new Map(header.tensors.map((tensor) => [tensor.name, tensor]));
  const reader: MetadataReader = new MetadataReader(header.path, header.metadata, architecture, () =>
    reader.requiredCount('layerCount', 'block_count', LIMITS.layerCount),
  );
  reader.record('architecture', 'metadata', 'general.architecture');
  reportUnreadKeys(reader, knownGgufKeys(rules));

  const layerCount = reader.requiredCount('layerCount', 'block_count', LIMITS.layerCount);
  const modelDim = reader.requiredCount('modelDim', 'embedding_length', LIMITS.modelDim);
  const heads = readHeads(reader, modelDim);
  const contextLength = reader.requiredCount('contextLength', 'context_length', LIMITS.contextLength);
  const hasTensor = (name: string): boolean => tensors.has(name);
  const rope = ropeFromGguf(reader, rules, { headDim: heads.headDim, contextLength, hasTensor });
  const config: Omit<ModelConfig, 'provenance'> = {
    architecture,
    layerCount,
    modelDim,
    ffnDim: reader.requiredCount('ffnDim', 'feed_forward_length', LIMITS.ffnDim),
    ...heads,
    vocabSize: readVocabSize(reader, modelDim, tensors.get('token_embd.weight')),
    contextLength: readContextLength(reader, rope, contextLength),
    rmsNormEps: reader.requiredPositive('rmsNormEps', 'attention.layer_norm_rms_epsilon'),
    rope,
    ...readWindow(reader, rules, layerCount),
    attentionScale: readAttentionScale(reader, rules, { layerCount, modelDim, ...heads }),
    ...readSoftcaps(reader, rules),
    ...readScales(reader, rules, modelDim),
    hasQkNorm: rules.hasQkNorm,
    experts: readExperts(reader, rules),
    hasQkvBias: readQkvBias(reader, rules, tensors),
    isTied: !tensors.has('output.weight'),
  };
  reader.record('isTied', 'tensor', `output.weight is ${config.isTied ? 'absent' : 'present'}`);
  reader.record('hasQkNorm', 'architecture', rules.hasQkNorm ? 'always' : 'never');
  return { config: { ...config, provenance: provenanceOf(reader) }, notices: reader.notices };
}

function readArchitecture({ path, metadata }: GgufModelHeader): Architecture {
  const name = metadata.get('general.architecture');
  if (typeof name === 'string' && isArchitecture(name)) return name;
  throw unknownArchitecture(
    path,
    name === undefined ? 'the metadata has no general.architecture' : `the architecture is ${shownValue(name)}`,
  );
}

function readHeads(
  reader: MetadataReader,
  modelDim: number,
): Pick<ModelConfig, 'headCount' | 'kvHeadCount' | 'headDim'> {
  const headCount = reader.requiredCount('headCount', 'attention.head_count', LIMITS.headCount);
  const kvHeadCount =
    reader.count('kvHeadCount', 'attention.head_count_kv', LIMITS.headCount) ??
    reader.default('kvHeadCount', 'KV-HEADS-DEFAULT', 'attention.head_count_kv', headCount, 'one per query head');
  const wrong = (is: string, allowed: string): RefuteError =>
    new RefuteError({ code: 'E_CONFIG_HEADS', place: reader.path, is, allowed });
  checkHeads(reader.path, headCount, kvHeadCount);
  let headDim = reader.count('headDim', 'attention.key_length', LIMITS.headDim);
  if (headDim === undefined) {
    if (modelDim % headCount !== 0) {
      throw wrong(
        `embedding_length ${modelDim} does not divide by ${headCount} heads`,
        `${reader.full('attention.key_length')} must say how wide a head is`,
      );
    }
    headDim = modelDim / headCount;
    reader.record('headDim', 'architecture', 'embedding_length / attention.head_count');
  }
  const valueLength = reader.get('attention.value_length');
  if (valueLength !== undefined && valueLength !== headDim) {
    throw wrong(
      `a head has ${headDim} key channels and ${shownValue(valueLength)} value channels`,
      'only equal widths are supported',
    );
  }
  return { headCount, kvHeadCount, headDim };
}

/** The key where there is one, else the rows of the embedding, whichever way round its dimensions are listed. */
function readVocabSize(
  reader: MetadataReader,
  modelDim: number,
  embedding: { elementCount: number } | undefined,
): number {
  const stated = reader.count('vocabSize', 'vocab_size', LIMITS.vocabSize);
  if (stated !== undefined) return stated;
  if (embedding === undefined) {
    throw new RefuteError({
      code: 'E_MODEL_TENSOR_MISSING',
      place: reader.path,
      is: 'there is no tensor "token_embd.weight"',
      next: 'The file is a vocabulary only, or a part of a split model',
    });
  }
  const rowCount = embedding.elementCount / modelDim;
  if (!Number.isInteger(rowCount) || rowCount > LIMITS.vocabSize) {
    throw new RefuteError({
      code: 'E_CONFIG_VOCABULARY',
      place: reader.path,
      is: `token_embd.weight has ${embedding.elementCount} elements`,
      allowed: `it must be a multiple of embedding_length, ${modelDim}, of at most ${LIMITS.vocabSize} rows`,
    });
  }
  reader.record('vocabSize', 'tensor', 'rows of token_embd.weight');
  return rowCount;
}

function readWindow(
  reader: MetadataReader,
  { gemma }: ArchitectureRules,
  layerCount: number,
): Pick<ModelConfig, 'slidingWindow' | 'fullAttentionLayers'> {
  const key = 'attention.sliding_window';
  if (gemma !== null) {
    const slidingWindow =
      reader.count('slidingWindow', key, LIMITS.slidingWindow) ??
      reader.default('slidingWindow', 'SLIDING-WINDOW-DEFAULT', key, gemma.slidingWindow, "llama.cpp's default");
    reader.record('fullAttentionLayers', 'architecture', 'every second layer, from 1');
    return { slidingWindow, fullAttentionLayers: oddLayers(layerCount) };
  }
  reader.record('fullAttentionLayers', 'architecture', 'none');
  // 0 is how some converters write "none".
  if (reader.get(key) === undefined || reader.get(key) === 0) {
    reader.record('slidingWindow', 'architecture', 'none unless stated');
    return { slidingWindow: null, fullAttentionLayers: [] };
  }
  const slidingWindow = reader.count('slidingWindow', key, LIMITS.slidingWindow) ?? null;
  reader.notices.push({
    severity: 'note',
    code: 'SLIDING-WINDOW',
    message: `${reader.full(key)} is ${slidingWindow} and is kept to; llama.cpp ignores it for this architecture, so longer prompts differ.`,
  });
  return { slidingWindow, fullAttentionLayers: [] };
}

/** The layer count by which llama.cpp tells Gemma 2 27B, whose scale no key holds. */
const GEMMA2_27B_LAYERS = 46;

function readAttentionScale(
  reader: MetadataReader,
  { gemma }: ArchitectureRules,
  of: { layerCount: number; modelDim: number; headCount: number; headDim: number },
): number {
  if (gemma !== null && of.layerCount === GEMMA2_27B_LAYERS) {
    reader.record('attentionScale', 'architecture', `1 / √(embedding_length / head_count), with 46 layers`);
    return 1 / Math.sqrt(of.modelDim / of.headCount);
  }
  reader.record('attentionScale', 'architecture', '1 / √headDim');
  return 1 / Math.sqrt(of.headDim);
}

function readSoftcaps(
  reader: MetadataReader,
  { gemma }: ArchitectureRules,
): Pick<ModelConfig, 'attentionSoftcap' | 'logitSoftcap'> {
  const read = (name: 'attentionSoftcap' | 'logitSoftcap', key: string): number | null => {
    if (gemma === null) {
      reader.record(name, 'architecture', 'none');
      return null;
    }
    return (
      reader.positive(name, key) ?? reader.default(name, 'SOFTCAP-DEFAULT', key, gemma[name], "llama.cpp's default")
    );
  };
  return {
    attentionSoftcap: read('attentionSoftcap', 'attn_logit_softcapping'),
    logitSoftcap: read('logitSoftcap', 'final_logit_softcapping'),
  };
}

function readScales(
  reader: MetadataReader,
  { gemma }: ArchitectureRules,
  modelDim: number,
): Pick<ModelConfig, 'embeddingScale' | 'normOffset'> {
  reader.record('embeddingScale', 'architecture', gemma === null ? 'none' : '√modelDim');
  reader.record('normOffset', 'architecture', gemma === null ? 'none' : 'gains of GGUF files hold it already');
  return { embeddingScale: gemma === null ? 1 : Math.sqrt(modelDim), normOffset: 0 };
}

function readExperts(reader: MetadataReader, { hasExperts }: ArchitectureRules): Experts | null {
  if (!hasExperts) {
    for (const name of ['count', 'usedCount', 'ffnDim', 'isRenormalised'] as const) {
      reader.record(`experts.${name}`, 'architecture', 'none');
    }
    return null;
  }
  const count = reader.requiredCount('experts.count', 'expert_count', LIMITS.expertCount);
  const usedCount = reader.requiredCount('experts.usedCount', 'expert_used_count', count);
  const ffnDim = reader.requiredCount('experts.ffnDim', 'expert_feed_forward_length', LIMITS.ffnDim);
  const isRenormalised = reader.flag('experts.isRenormalised', 'expert_weights_norm') ?? true;
  if (reader.get('expert_weights_norm') === undefined) {
    reader.record('experts.isRenormalised', 'architecture', 'always, unless stated');
  }
  return { count, usedCount, ffnDim, isRenormalised };
}

function oddLayers(layerCount: number): number[] {
  return Array.from({ length: Math.floor(layerCount / 2) }, (_, i) => 2 * i + 1);
}

function readQkvBias(reader: MetadataReader, rules: ArchitectureRules, tensors: ReadonlyMap<string, unknown>): boolean {
  if (rules.qkvBias === 'always') {
    reader.record('hasQkvBias', 'architecture', 'always');
    return true;
  }
  const isPresent = tensors.has('blk.0.attn_q.bias');
  reader.record('hasQkvBias', 'tensor', `blk.0.attn_q.bias is ${isPresent ? 'present' : 'absent'}`);
  return isPresent;
}
