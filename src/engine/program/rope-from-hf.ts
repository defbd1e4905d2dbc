// The rotary parameters of a config.json: `rope_parameters` as Transformers 5 writes it, or `rope_theta` with
// `rope_scaling` as those before did.
import { RefuteError } from '../../errors.ts';
import { shownValue } from '../formats/quoted.ts';
import { LIMITS } from './config-rules.ts';
import type { MetadataReader } from './metadata-reader.ts';
import type { RopeParameters, RopeScaling } from './program.ts';

/** Transformers' for every type that is read here. */
const DEFAULT_THETA = 10_000;

/** @throws RefuteError E_CONFIG_ROPE, E_CONFIG_VALUE, E_CONFIG_UNSUPPORTED, E_CONFIG_MISSING_KEY */
export function ropeFromHf(reader: MetadataReader, headDim: number): RopeParameters {
  const theta =
    reader.positive('rope.theta', 'rope_parameters.rope_theta') ??
    reader.positive('rope.theta', 'rope_scaling.rope_theta') ??
    reader.positive('rope.theta', 'rope_theta') ??
    reader.default('rope.theta', 'ROPE-THETA-DEFAULT', 'rope_theta', DEFAULT_THETA, "Transformers' default");
  reader.record('rope.pairing', 'architecture', 'halves: rows of Q and K are stored as trained');
  reader.record('rope.rotaryDim', 'architecture', 'the whole head');
  if (headDim % 2 !== 0) {
    const is = `a head has ${headDim} channels`;
    throw new RefuteError({ code: 'E_CONFIG_ROPE', place: reader.path, is, allowed: 'rotation needs an even number' });
  }
  return { theta, rotaryDim: headDim, pairing: 'neox', scaling: readScaling(reader) };
}

function readScaling(reader: MetadataReader): RopeScaling {
  const typeKey = ['rope_parameters.rope_type', 'rope_parameters.type', 'rope_scaling.rope_type', 'rope_scaling.type'];
  const key = typeKey.find((candidate) => reader.get(candidate) !== undefined);
  const type = key === undefined ? 'default' : reader.get(key);
  if (key === undefined) reader.record('rope.scaling', 'architecture', 'none unless stated');
  else reader.record('rope.scaling', 'metadata', reader.full(key));
  const group = key?.slice(0, key.lastIndexOf('.') + 1) ?? '';
  const number = (name: string): number => reader.requiredPositive('rope.scaling', group + name);
  switch (type) {
    case 'default':
      return { type: 'none' };
    case 'linear': {
      const factor = number('factor');
      return factor === 1 ? { type: 'none' } : { type: 'linear', factor };
    }
    case 'llama3': {
      const originalKey = `${group}original_max_position_embeddings`;
      return {
        type: 'llama3',
        factor: number('factor'),
        lowFreqFactor: number('low_freq_factor'),
        highFreqFactor: number('high_freq_factor'),
        originalContextLength: reader.requiredCount('rope.scaling', originalKey, LIMITS.contextLength),
      };
    }
    default:
      throw new RefuteError({
        code: 'E_CONFIG_UNSUPPORTED',
        place: reader.path,
        is: `${key} is ${shownValue(type)}`,
        allowed: 'default, linear and llama3 are supported',
      });
  }
}
