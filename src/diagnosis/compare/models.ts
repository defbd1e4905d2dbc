// Compares two models without running them: hyperparameters, metadata, and which tensors each has, of which type and
// shape. Values are compared in model-values.ts. Nothing is intersected away: what only one side has is a difference.
import { compareMetadata, type MetadataDifference } from './metadata.ts';
import type { ConfigKey, Provenance } from '../../engine/program/config.ts';
import type { FileTensor, Model } from '../../engine/model/model.ts';

export interface ModelComparison {
  config: ConfigDifference[];
  /** Equal values that came from different kinds of place: harmless today, but one file has lost something. */
  configSources: ConfigDifference[];
  metadata: MetadataDifference[];
  tensors: TensorDifference[];
  /** How much was looked at: a selection that left no tensor name has found no tensors equal. */
  configKeyCount: number;
  metadataKeyCount: number;
  tensorNameCount: number;
  /** True where config, metadata and tensors have no entry. */
  isIdentical: boolean;
}

/** A hyperparameter with unequal values; where each side's value came from often is the explanation. */
export interface ConfigDifference {
  key: ConfigKey;
  a: ConfigValue;
  b: ConfigValue;
}

export interface ConfigValue {
  value: string | number | boolean | null;
  provenance: Provenance;
}

/** Worst first, which is the order of the list: what is missing, what cannot fit, what was stored otherwise. */
const KINDS = ['only in A', 'only in B', 'shape', 'transposed shape', 'type'] as const;
type TensorDifferenceKind = (typeof KINDS)[number];

export interface TensorDifference {
  name: string;
  kind: TensorDifferenceKind;
  a: TensorSummary | null;
  b: TensorSummary | null;
}

export interface TensorSummary {
  type: string;
  shape: readonly number[];
  /** null for a type whose block layout is unknown. */
  byteLength: number | null;
}

/** @param nameContains looks only at tensors whose name contains this; config and metadata are always looked at. */
export function compareModels(a: Model, b: Model, nameContains = ''): ModelComparison {
  const pairs = configPairs(a, b);
  const config = pairs.filter((pair) => !isSameValue(pair.a.value, pair.b.value));
  const configSources = pairs.filter(
    (pair) => isSameValue(pair.a.value, pair.b.value) && pair.a.provenance.source !== pair.b.provenance.source,
  );
  const metadata = compareMetadata(a.metadata, b.metadata);
  const tensorsA = a.tensors.filter(({ name }) => name.includes(nameContains));
  const tensorsB = b.tensors.filter(({ name }) => name.includes(nameContains));
  const tensors = compareInventories(tensorsA, tensorsB);
  return {
    config,
    configSources,
    metadata,
    tensors,
    configKeyCount: pairs.length,
    metadataKeyCount: new Set([...a.metadata.keys(), ...b.metadata.keys()]).size,
    tensorNameCount: new Set([...tensorsA, ...tensorsB].map((tensor) => tensor.name)).size,
    isIdentical: config.length + metadata.length + tensors.length === 0,
  };
}

/** GGUF holds float32 where JSON holds a double: 1e-6 is then the same number. */
function isSameValue(a: ConfigValue['value'], b: ConfigValue['value']): boolean {
  if (typeof a === 'number' && typeof b === 'number' && !Number.isInteger(a))
    return Object.is(Math.fround(a), Math.fround(b));
  return Object.is(a, b);
}

function configPairs(a: Model, b: Model): ConfigDifference[] {
  const entriesOfB = new Map(configEntries(b).map((entry) => [entry.key, entry]));
  return configEntries(a).map(({ key, ...valueOfA }) => {
    const { value, provenance } = entriesOfB.get(key) ?? valueOfA;
    return { key, a: valueOfA, b: { value, provenance } };
  });
}

/** The hyperparameters as a flat list, in the order of `ConfigKey`, each with where it came from. */
export function configEntries(model: Model): (ConfigValue & { key: ConfigKey })[] {
  const { config } = model;
  const { theta, rotaryDim, pairing, scaling } = config.rope;
  const values: Record<ConfigKey, ConfigValue['value']> = {
    architecture: config.architecture,
    layerCount: config.layerCount,
    modelDim: config.modelDim,
    ffnDim: config.ffnDim,
    headCount: config.headCount,
    kvHeadCount: config.kvHeadCount,
    headDim: config.headDim,
    vocabSize: config.vocabSize,
    contextLength: config.contextLength,
    rmsNormEps: config.rmsNormEps,
    'rope.theta': theta,
    'rope.rotaryDim': rotaryDim,
    'rope.pairing': pairing,
    'rope.scaling': scaling.type === 'none' ? 'none' : JSON.stringify(scaling),
    localTheta: config.localTheta,
    slidingWindow: config.slidingWindow,
    fullAttentionLayers: config.fullAttentionLayers.length === 0 ? null : config.fullAttentionLayers.join(', '),
    attentionScale: config.attentionScale,
    attentionSoftcap: config.attentionSoftcap,
    logitSoftcap: config.logitSoftcap,
    embeddingScale: config.embeddingScale,
    normOffset: config.normOffset,
    hasQkvBias: config.hasQkvBias,
    hasQkNorm: config.hasQkNorm,
    'experts.count': config.experts?.count ?? null,
    'experts.usedCount': config.experts?.usedCount ?? null,
    'experts.ffnDim': config.experts?.ffnDim ?? null,
    'experts.isRenormalised': config.experts?.isRenormalised ?? null,
    isTied: config.isTied,
  };
  return (Object.keys(values) as ConfigKey[]).map((key) => ({
    key,
    value: values[key],
    provenance: config.provenance[key],
  }));
}

function compareInventories(a: readonly FileTensor[], b: readonly FileTensor[]): TensorDifference[] {
  const byNameB = new Map(b.map((tensor) => [tensor.name, tensor]));
  const namesOfA = new Set(a.map((tensor) => tensor.name));
  const differences = a.flatMap((tensor): TensorDifference[] => {
    const other = byNameB.get(tensor.name);
    const kind = other === undefined ? 'only in A' : differenceOf(tensor, other);
    if (kind === null) return [];
    return [{ name: tensor.name, kind, a: summaryOf(tensor), b: other === undefined ? null : summaryOf(other) }];
  });
  const onlyInB = b
    .filter((tensor) => !namesOfA.has(tensor.name))
    .map((tensor): TensorDifference => ({ name: tensor.name, kind: 'only in B', a: null, b: summaryOf(tensor) }));
  return [...differences, ...onlyInB].toSorted((p, q) => KINDS.indexOf(p.kind) - KINDS.indexOf(q.kind));
}

function differenceOf(a: FileTensor, b: FileTensor): TensorDifferenceKind | null {
  if (isSameShape(a.shape, b.shape)) return a.typeLabel === b.typeLabel ? null : 'type';
  return a.shape.length > 1 && isSameShape(a.shape, b.shape.toReversed()) ? 'transposed shape' : 'shape';
}

export function isSameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

function summaryOf({ typeLabel, shape, byteLength }: FileTensor): TensorSummary {
  return { type: typeLabel, shape, byteLength };
}
