// GGUF metadata -> ModelConfig, by llama.cpp's rules, each number with where it came from. A key that would change the
// result and is not implemented is an error, never ignored; a default taken is a notice.
import { RefuteError } from '../../errors.ts';
import { shownValue } from '../formats/quoted.ts';
import type { Notice } from '../../notice.ts';
import type { Architecture, Architectures } from './architecture.ts';
import { PLAIN_PARTS, readParts } from './config-parts.ts';
import { checkHeads, LIMITS, provenanceOf, unknownArchitecture } from './config-rules.ts';
import type { ModelConfig } from '../program/config.ts';
import { knownGgufKeys } from './gguf-keys.ts';
import { noteOtherValues } from './other-values.ts';
import { ConfigReader } from './config-reader.ts';
import { checkOtherWords, reportUnreadKeys } from './unread-keys.ts';
import { ropeFromGguf } from './rope-from-gguf.ts';
import { readContextLength } from './rope-scaling.ts';
import { plainWindow } from './window-from-gguf.ts';

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
export function configFromGguf(
  header: GgufModelHeader,
  architectures: Architectures,
): { config: ModelConfig; notices: Notice[] } {
  const { name: architecture, gguf: rules, ...traits } = readArchitecture(header, architectures);
  const tensors = new Map(header.tensors.map((tensor) => [tensor.name, tensor]));
  const reader: ConfigReader = new ConfigReader(header.path, header.metadata, architecture, () =>
    reader.requiredCount('layerCount', 'block_count', LIMITS.layerCount),
  );
  reader.record('architecture', 'metadata', 'general.architecture');
  const known = knownGgufKeys(rules.keys);
  reportUnreadKeys(reader, known);

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
    ...readParts(reader, { ...PLAIN_PARTS, window: plainWindow, ...rules.parts }, { layerCount, modelDim, ...heads }),
    hasQkNorm: traits.hasQkNorm,
    hasQkvBias: readQkvBias(reader, traits, tensors),
    isTied: rules.isAlwaysTied === true || !tensors.has('output.weight'),
  };
  if (rules.isAlwaysTied === true) reader.record('isTied', 'architecture', 'always');
  else reader.record('isTied', 'tensor', `output.weight is ${config.isTied ? 'absent' : 'present'}`);
  reader.record('hasQkNorm', 'architecture', traits.hasQkNorm ? 'always' : 'never');
  checkOtherWords(reader, known, config);
  return { config: { ...config, provenance: provenanceOf(reader) }, notices: reader.notices };
}

/** Other things than models that are written as GGUF files, by `general.type`. */
const NO_MODELS: readonly unknown[] = ['adapter', 'imatrix', 'mmproj'];

function readArchitecture({ path, metadata }: GgufModelHeader, architectures: Architectures): Architecture {
  const kind = metadata.get('general.type');
  if (NO_MODELS.includes(kind)) {
    const is = `general.type is ${shownValue(kind)}: the file goes with a model and is none`;
    throw new RefuteError({ code: 'E_CONFIG_ARCHITECTURE', place: path, is, next: 'Open the model itself' });
  }
  const name = metadata.get('general.architecture');
  const found = typeof name === 'string' ? architectures.get(name) : undefined;
  if (found !== undefined) return found;
  const is =
    name === undefined ? 'the metadata has no general.architecture' : `the architecture is ${shownValue(name)}`;
  throw unknownArchitecture(path, is, architectures);
}

function readHeads(reader: ConfigReader, modelDim: number): Pick<ModelConfig, 'headCount' | 'kvHeadCount' | 'headDim'> {
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

/** The rows of the embedding, whichever way round its dimensions are listed. llama.cpp asks no key for them either. */
function readVocabSize(
  reader: ConfigReader,
  modelDim: number,
  embedding: { elementCount: number } | undefined,
): number {
  if (embedding === undefined) {
    const is = 'there is no tensor "token_embd.weight"';
    const next = 'The file is a vocabulary only, or a part of a split model';
    throw new RefuteError({ code: 'E_MODEL_TENSOR_MISSING', place: reader.path, is, next });
  }
  const rowCount = embedding.elementCount / modelDim;
  if (!Number.isInteger(rowCount) || rowCount > LIMITS.vocabSize) {
    const is = `token_embd.weight has ${embedding.elementCount} elements`;
    const allowed = `it must be a multiple of embedding_length, ${modelDim}, of at most ${LIMITS.vocabSize} rows`;
    throw new RefuteError({ code: 'E_CONFIG_VOCABULARY', place: reader.path, is, allowed });
  }
  const used = { key: 'rows of token_embd.weight', value: rowCount };
  noteOtherValues(reader, used, ['vocab_size'], 'as llama.cpp does, which does not read the key');
  if (reader.count('vocabSize', 'vocab_size', LIMITS.vocabSize) !== rowCount) {
    reader.record('vocabSize', 'tensor', 'rows of token_embd.weight');
  }
  return rowCount;
}

function readQkvBias(
  reader: ConfigReader,
  { qkvBias }: Pick<Architecture, 'qkvBias'>,
  tensors: ReadonlyMap<string, unknown>,
): boolean {
  if (qkvBias === 'always') {
    reader.record('hasQkvBias', 'architecture', 'always');
    return true;
  }
  const isPresent = tensors.has('blk.0.attn_q.bias');
  reader.record('hasQkvBias', 'tensor', `blk.0.attn_q.bias is ${isPresent ? 'present' : 'absent'}`);
  return isPresent;
}
