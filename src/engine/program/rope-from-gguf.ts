// The rotary parameters of a GGUF file: base, width, pairing, scaling.
import { RefuteError } from '../../errors.ts';
import { shownValue } from '../formats/quoted.ts';
import type { ArchitectureRules } from './architectures/rules.ts';
import type { MetadataReader } from './metadata-reader.ts';
import type { RopeParameters, RopeScaling } from './program.ts';

/** llama.cpp's default for every architecture. */
const DEFAULT_THETA = 10_000;

/** @throws RefuteError E_CONFIG_ROPE, E_CONFIG_VALUE, E_CONFIG_UNSUPPORTED */
export function ropeFromGguf(
  reader: MetadataReader,
  rules: ArchitectureRules,
  of: { headDim: number; hasFactors: boolean },
): RopeParameters {
  const theta =
    reader.positive('rope.theta', 'rope.freq_base') ??
    reader.default('rope.theta', 'ROPE-THETA-DEFAULT', 'rope.freq_base', DEFAULT_THETA, "llama.cpp's default");
  reader.record('rope.pairing', 'architecture', rules.ropePairing === 'norm' ? 'adjacent pairs' : 'halves');
  return {
    theta,
    rotaryDim: readRotaryDim(reader, rules, of.headDim),
    pairing: rules.ropePairing,
    scaling: readScaling(reader, of.hasFactors),
  };
}

function readRotaryDim(reader: MetadataReader, rules: ArchitectureRules, headDim: number): number {
  let rotaryDim = reader.count('rope.rotaryDim', 'rope.dimension_count', headDim);
  if (rotaryDim === undefined) {
    rotaryDim = headDim;
    reader.record('rope.rotaryDim', 'architecture', 'the whole head');
  }
  if (rotaryDim % 2 !== 0 || (rules.rotatesWholeHead && rotaryDim !== headDim)) {
    throw new RefuteError({
      code: 'E_CONFIG_ROPE',
      place: reader.path,
      is: `${rotaryDim} of ${headDim} channels of a head are rotated`,
      allowed: rotaryDim % 2 === 0 ? 'this architecture rotates the whole head' : 'an even number is needed',
    });
  }
  return rotaryDim;
}

/** llama.cpp: a factor without a type is linear; the factor 0 is none; the older key is asked last. */
function readScaling(reader: MetadataReader, hasFactors: boolean): RopeScaling {
  const type = reader.get('rope.scaling.type') ?? 'linear';
  if (type !== 'linear' && type !== 'none') {
    throw new RefuteError({
      code: 'E_CONFIG_UNSUPPORTED',
      place: reader.path,
      is: `${reader.full('rope.scaling.type')} is ${shownValue(type)}`,
      allowed: 'none, linear, and factors in rope_freqs.weight are supported',
    });
  }
  const factorKey = ['rope.scaling.factor', 'rope.scale_linear'].find((key) => reader.get(key) !== undefined);
  const factor =
    factorKey === undefined || reader.get(factorKey) === 0 ? 1 : reader.positive('rope.scaling', factorKey);
  const isLinear = type === 'linear' && factor !== undefined && factor !== 1;
  if (hasFactors && isLinear) {
    throw new RefuteError({
      code: 'E_CONFIG_UNSUPPORTED',
      place: reader.path,
      is: `positions are scaled twice, by ${factor} and by the tensor "rope_freqs.weight"`,
      allowed: 'one of them is supported',
    });
  }
  if (hasFactors) {
    reader.record('rope.scaling', 'tensor', 'rope_freqs.weight');
    return { type: 'factors', weight: 'rope_freqs.weight' };
  }
  if (isLinear) return { type: 'linear', factor };
  if (factorKey === undefined) reader.record('rope.scaling', 'architecture', 'none unless stated');
  else reader.record('rope.scaling', 'metadata', reader.full(factorKey));
  return { type: 'none' };
}
