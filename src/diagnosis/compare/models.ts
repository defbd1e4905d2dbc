// Compares two models without running them: hyperparameters, metadata, and which tensors each has, of which type and
// shape. Values are compared in model-values.ts. Nothing is intersected away: what only one side has is a difference.
import type { ConfigKey, FileTensor, Model, Provenance } from '../../engine/index.ts';

export interface ModelComparison {
  config: ConfigDifference[];
  metadata: MetadataDifference[];
  tensors: TensorDifference[];
  /** How much was looked at: a selection that left no tensor name has found no tensors equal. */
  configKeyCount: number;
  metadataKeyCount: number;
  tensorNameCount: number;
  /** True where none of the three lists has an entry. */
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

/** `only in A`, `only in B`, or both with unequal values; long values are cut for reading, compared in full. */
export interface MetadataDifference {
  key: string;
  a: string | null;
  b: string | null;
}

export interface TensorDifference {
  name: string;
  kind: 'only in A' | 'only in B' | 'shape' | 'transposed shape' | 'type';
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
  const configA = configEntries(a);
  const configB = new Map(configEntries(b).map((entry) => [entry.key, entry]));
  const config = configA.flatMap(({ key, ...valueOfA }): ConfigDifference[] => {
    const valueOfB = configB.get(key);
    if (valueOfB === undefined || Object.is(valueOfB.value, valueOfA.value)) return [];
    return [{ key, a: valueOfA, b: { value: valueOfB.value, provenance: valueOfB.provenance } }];
  });
  const metadataKeys = [...new Set([...a.metadata.keys(), ...b.metadata.keys()])];
  const metadata = metadataKeys.flatMap((key) => compareMetadata(key, a.metadata, b.metadata));
  const tensorsA = a.tensors.filter(({ name }) => name.includes(nameContains));
  const tensorsB = b.tensors.filter(({ name }) => name.includes(nameContains));
  const tensors = compareInventories(tensorsA, tensorsB);
  return {
    config,
    metadata,
    tensors,
    configKeyCount: configA.length,
    metadataKeyCount: metadataKeys.length,
    tensorNameCount: new Set([...tensorsA, ...tensorsB].map((tensor) => tensor.name)).size,
    isIdentical: config.length + metadata.length + tensors.length === 0,
  };
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
    slidingWindow: config.slidingWindow,
    hasQkvBias: config.hasQkvBias,
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
  return [...differences, ...onlyInB];
}

function differenceOf(a: FileTensor, b: FileTensor): TensorDifference['kind'] | null {
  if (isSameShape(a.shape, b.shape)) return a.typeLabel === b.typeLabel ? null : 'type';
  return a.shape.length > 1 && isSameShape(a.shape, b.shape.toReversed()) ? 'transposed shape' : 'shape';
}

export function isSameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

function summaryOf({ typeLabel, shape, byteLength }: FileTensor): TensorSummary {
  return { type: typeLabel, shape, byteLength };
}

function compareMetadata(
  key: string,
  a: ReadonlyMap<string, unknown>,
  b: ReadonlyMap<string, unknown>,
): MetadataDifference[] {
  if (a.has(key) && b.has(key) && isSameMetadata(a.get(key), b.get(key))) return [];
  return [
    {
      key,
      a: a.has(key) ? metadataText(a.get(key)) : null,
      b: b.has(key) ? metadataText(b.get(key)) : null,
    },
  ];
}

/** Value by value; a vocabulary of 150,000 strings is an ordinary case. */
function isSameMetadata(a: unknown, b: unknown): boolean {
  if (isList(a) && isList(b)) {
    if (a.length !== b.length) return false;
    for (let i = 0; i < a.length; i += 1) {
      if (!isSameMetadata(a[i], b[i])) return false;
    }
    return true;
  }
  return Object.is(a, b);
}

interface List {
  length: number;
  [index: number]: unknown;
}

function isList(value: unknown): value is List {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
}

const TEXT_LIMIT = 48;

/** A metadata value in one short line: long text is cut, a list shows its length and its beginning. */
export function metadataText(value: unknown): string {
  if (isList(value)) {
    const start = Array.from({ length: Math.min(3, value.length) }, (_, i) => metadataText(value[i]));
    return `${value.length} values: ${start.join(', ')}${value.length > start.length ? ', …' : ''}`;
  }
  if (typeof value !== 'string') return String(value);
  const line = JSON.stringify(value).slice(1, -1);
  return line.length <= TEXT_LIMIT ? line : `${line.slice(0, TEXT_LIMIT)}… (${value.length} characters)`;
}
