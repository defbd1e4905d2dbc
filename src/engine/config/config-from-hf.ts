// config.json -> ModelConfig, by Transformers' rules, each number with where it came from. A key that would change the
// result and is not implemented is an error, never ignored; a default taken is a notice.
import { RefuteError } from '../../errors.ts';
import { shownValue } from '../formats/quoted.ts';
import type { Notice } from '../../notice.ts';
import type { Architecture, Architectures, HfModelType, HfRules } from './architecture.ts';
import { PLAIN_PARTS, readParts, type ConfigParts } from './config-parts.ts';
import { checkHeads, LIMITS, provenanceOf, unknownArchitecture } from './config-rules.ts';
import type { ConfigKey, ModelConfig } from '../program/config.ts';
import { findModelType, KEYS_BESIDE_TEXT, knownHfKeys } from './hf-keys.ts';
import { windowFromHf } from './window-from-hf.ts';
import { ConfigReader } from './config-reader.ts';
import { noteOtherValues } from './other-values.ts';
import { ropeFromHf } from './rope-from-hf.ts';
import { readContextLength } from './rope-scaling.ts';
import { checkOtherWords, reportUnreadKeys } from './unread-keys.ts';

export interface HfModelHeader {
  /** Of config.json, for messages. */
  path: string;
  /** config.json, nested objects as `outer.inner`. */
  metadata: ReadonlyMap<string, unknown>;
  /** By canonical name. */
  tensors: readonly { name: string; shape: readonly number[] }[];
  /** What the files call a tensor, for messages; absent: what it is called here. */
  nameInFile?: (name: string) => string;
}

const WHY = "Transformers' default";
const TIED = 'tie_word_embeddings';

interface ListedTensors {
  shapes: ReadonlyMap<string, readonly number[]>;
  nameInFile: (name: string) => string;
}

type CountOf = (name: ConfigKey, key: string, limit: number) => number;

/**
 * @throws RefuteError E_CONFIG_ARCHITECTURE, E_CONFIG_MISSING_KEY, E_CONFIG_VALUE, E_CONFIG_PER_LAYER,
 *   E_CONFIG_UNSUPPORTED, E_CONFIG_HEADS
 */
export function configFromHf(
  { path, metadata, tensors, nameInFile = (name) => name }: HfModelHeader,
  architectures: Architectures,
): { config: ModelConfig; notices: Notice[] } {
  const { architecture, modelType } = readModelType(path, metadata, architectures);
  const { hf: rules, hasQkNorm } = architecture;
  const { textPart } = modelType;
  const shapes = new Map(tensors.map(({ name, shape }) => [name, shape]));
  const reader: ConfigReader = new ConfigReader(path, metadata, textPart?.config ?? '', () =>
    reader.requiredCount('layerCount', 'num_hidden_layers', LIMITS.layerCount),
  );
  /** Required, or the class's own default. */
  const count: CountOf = (name, key, limit) => {
    const fallback = key === 'max_position_embeddings' ? modelType.maxPositions : rules.defaults?.[key];
    if (fallback === undefined) return reader.requiredCount(name, key, limit);
    return reader.count(name, key, limit) ?? reader.default(name, 'COUNT-DEFAULT', key, fallback, WHY);
  };
  reader.record('architecture', 'metadata', 'model_type');
  const known = knownHfKeys(rules.keys);
  reportUnreadKeys(reader, known);
  const beside = textPart === undefined ? undefined : besideText(reader, metadata, textPart.config);
  if (beside !== undefined) reportUnreadKeys(beside, KEYS_BESIDE_TEXT);
  checkActivation(reader, rules);

  const layerCount = reader.requiredCount('layerCount', 'num_hidden_layers', LIMITS.layerCount);
  const modelDim = reader.requiredCount('modelDim', 'hidden_size', LIMITS.modelDim);
  const heads = readHeads(
    reader,
    { shapes, nameInFile },
    {
      headCount: count('headCount', 'num_attention_heads', LIMITS.headCount),
      modelDim,
    },
  );
  const maxPositions = count('contextLength', 'max_position_embeddings', LIMITS.contextLength);
  const rope = ropeFromHf(reader, { headDim: heads.headDim, maxPositions }, rules.rope);
  const contextLength = readContextLength(reader, rope, maxPositions);
  const window: ConfigParts['window'] = (_, of) => windowFromHf(reader, modelType.window, { ...of, contextLength });
  const config: Omit<ModelConfig, 'provenance'> = {
    architecture: architecture.name,
    layerCount,
    modelDim,
    ffnDim: count('ffnDim', 'intermediate_size', LIMITS.ffnDim),
    ...heads,
    vocabSize: count('vocabSize', 'vocab_size', LIMITS.vocabSize),
    contextLength,
    rmsNormEps:
      reader.positive('rmsNormEps', 'rms_norm_eps') ??
      reader.default('rmsNormEps', 'RMS-EPS-DEFAULT', 'rms_norm_eps', rules.defaults?.['rms_norm_eps'] ?? 1e-6, WHY),
    rope,
    ...readParts(reader, { ...PLAIN_PARTS, window, ...rules.parts }, { layerCount, modelDim, ...heads }),
    hasQkvBias: readQkvBias(reader, architecture, { shapes, nameInFile }),
    hasQkNorm,
    isTied: readTied(reader, modelType, metadata),
  };
  reader.record('hasQkNorm', 'architecture', hasQkNorm ? 'always' : 'never');
  checkOtherWords(reader, known, config);
  if (beside !== undefined) checkOtherWords(beside, KEYS_BESIDE_TEXT, config);
  return {
    config: { ...config, provenance: provenanceOf(reader) },
    notices: [...reader.notices, ...(beside?.notices ?? [])],
  };
}

function readModelType(
  path: string,
  metadata: ReadonlyMap<string, unknown>,
  architectures: Architectures,
): { architecture: Architecture; modelType: HfModelType } {
  const name = metadata.get('model_type');
  const found = findModelType(architectures, name);
  if (found === undefined) {
    const is = name === undefined ? 'config.json has no model_type' : `model_type is ${shownValue(name)}`;
    throw unknownArchitecture(path, is, architectures);
  }
  const classes = metadata.get('architectures');
  const first: unknown = Array.isArray(classes) ? classes[0] : undefined;
  const isForText = typeof first === 'string' && first.endsWith('ForCausalLM');
  if (first !== undefined && !isForText && first !== found.modelType.textPart?.className) {
    const is = `the class is ${shownValue(first)}, which is not a causal language model`;
    throw unknownArchitecture(path, is, architectures);
  }
  return found;
}

/** The keys beside the text part, less those that say what it says: Transformers reads a decoder's keys in it alone. */
function besideText(reader: ConfigReader, metadata: ReadonlyMap<string, unknown>, part: string): ConfigReader {
  const isBeside = ([key, value]: [string, unknown]): boolean =>
    !key.startsWith(`${part}.`) && !key.startsWith('vision_config.') && (key === TIED || reader.get(key) !== value);
  return new ConfigReader(reader.path, new Map([...metadata].filter(isBeside)), '', () => 0);
}

/** Gemma's classes read hidden_activation alone; its first files had an older word for the same in hidden_act. */
function checkActivation(reader: ConfigReader, { activation }: HfRules): void {
  const { key, names, others = [] } = activation ?? { key: 'hidden_act', names: ['silu', 'swish'] };
  const [name = ''] = names;
  const check = (of: string, allowed: readonly unknown[]): void => {
    const found = reader.get(of);
    if (found === undefined || allowed.includes(found)) return;
    const is = `${reader.full(of)} is ${shownValue(found)}`;
    throw new RefuteError({
      code: 'E_CONFIG_UNSUPPORTED',
      place: reader.path,
      is,
      allowed: `${names.join(', ')} is supported`,
    });
  };
  check(key, names);
  if (key === 'hidden_act') return;
  check('hidden_act', [...names, ...others]);
  const rule = `as in Transformers, ${key} goes first and is ${name} where it is absent`;
  noteOtherValues(reader, { key, value: reader.get(key) ?? name }, ['hidden_act'], rule);
}

/**
 * Head width and kv heads may be left out; then the tensors say them, whatever a class has as its default. Fused ones
 * do not: then the width is that of hidden_size, and each head has its own keys.
 */
function readHeads(
  reader: ConfigReader,
  { shapes, nameInFile }: ListedTensors,
  { headCount, modelDim }: { headCount: number; modelDim: number },
): Pick<ModelConfig, 'headCount' | 'kvHeadCount' | 'headDim'> {
  const isFused = shapes.has('blk.0.attn_qkv.weight');
  const fromRows = (name: 'headDim' | 'kvHeadCount', key: string, tensor: string, divisor: number): number => {
    const rows = shapes.get(tensor)?.[0];
    if (rows === undefined) return reader.missing(key);
    if (rows % divisor !== 0) {
      const is = `${key} is absent and ${nameInFile(tensor)} has ${rows} rows`;
      throw new RefuteError({ code: 'E_CONFIG_HEADS', place: reader.path, is, allowed: `a multiple of ${divisor}` });
    }
    reader.record(name, 'tensor', `rows of ${nameInFile(tensor)} / ${divisor}`);
    return rows / divisor;
  };
  const headDim =
    reader.count('headDim', 'head_dim', LIMITS.headDim) ??
    (isFused
      ? widthOfHead(reader, modelDim, headCount)
      : fromRows('headDim', 'head_dim', 'blk.0.attn_q.weight', headCount));
  const kvHeadCount =
    reader.count('kvHeadCount', 'num_key_value_heads', LIMITS.headCount) ??
    (isFused
      ? reader.default('kvHeadCount', 'KV-HEADS-DEFAULT', 'num_key_value_heads', headCount, WHY)
      : fromRows('kvHeadCount', 'num_key_value_heads', 'blk.0.attn_k.weight', headDim));
  checkHeads(reader.path, headCount, kvHeadCount);
  return { headCount, kvHeadCount, headDim };
}

function widthOfHead(reader: ConfigReader, modelDim: number, headCount: number): number {
  if (modelDim % headCount !== 0) return reader.missing('head_dim');
  reader.record('headDim', 'architecture', 'hidden_size / num_attention_heads');
  return modelDim / headCount;
}

/** Of a model that sees more than text, the flag of the whole counts, stated or not: Transformers asks there alone. */
function readTied(
  reader: ConfigReader,
  { isTied, textPart }: HfModelType,
  metadata: ReadonlyMap<string, unknown>,
): boolean {
  const key = TIED;
  const ofWhole = textPart === undefined ? undefined : metadata.get(key);
  if (typeof ofWhole === 'boolean' || (textPart !== undefined && reader.get(key) === !isTied)) {
    const value = typeof ofWhole === 'boolean' ? ofWhole : isTied;
    reader.record('isTied', value === ofWhole ? 'metadata' : 'default', value === ofWhole ? key : WHY);
    noteOtherValues(reader, { key, value }, [key], 'as in Transformers, that of the whole model counts');
    return value;
  }
  return reader.flag('isTied', key) ?? reader.default('isTied', 'TIED-DEFAULT', key, isTied, WHY);
}

/** Transformers builds the biases that the config asks for, and drops those that only the file has. */
function readQkvBias(
  reader: ConfigReader,
  { qkvBias }: Pick<Architecture, 'qkvBias'>,
  { shapes, nameInFile }: ListedTensors,
): boolean {
  if (qkvBias === 'always') {
    reader.record('hasQkvBias', 'architecture', 'always');
    const rule = 'as in Transformers, this model type always has biases of q, k and v';
    noteOtherValues(reader, { key: 'biases', value: true }, ['attention_bias'], rule);
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
    is: `attention_bias is ${shownValue(reader.get('attention_bias'))} and ${nameInFile('blk.0.attn_q.bias')} is ${isPresent ? 'present' : 'absent'}`,
    allowed: 'both must say the same',
  });
}
