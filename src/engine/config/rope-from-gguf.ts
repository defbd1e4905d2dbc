// The rotary parameters of a GGUF file: base, width, pairing, scaling.
import { RefuteError } from '../../errors.ts';
import { shownValue } from '../formats/quoted.ts';
import type { GgufRules } from './architecture.ts';
import { LIMITS } from './config-rules.ts';
import type { Provenance } from '../program/config.ts';
import type { ConfigReader } from './config-reader.ts';
import type { RopeParameters, RopeScaling } from '../program/program.ts';
import { byLengthNotice, byLengthRule, yarnAttentionFactor } from './rope-scaling.ts';

/** llama.cpp's default for every architecture. */
const DEFAULT_THETA = 10_000;
const LONG_FACTORS = 'rope_factors_long.weight';
const SHORT_FACTORS = 'rope_factors_short.weight';

interface ScalingSources {
  /** rope_freqs.weight is there. */
  hasFactors: boolean;
  /** How the architecture reads the tensors of longrope; undefined where it does not, or where one is missing. */
  longrope: GgufRules['longrope'];
  contextLength: number;
}

/** @throws RefuteError E_CONFIG_ROPE, E_CONFIG_VALUE, E_CONFIG_UNSUPPORTED */
export function ropeFromGguf(
  reader: ConfigReader,
  rules: GgufRules,
  of: { headDim: number; contextLength: number; hasTensor: (name: string) => boolean },
): RopeParameters {
  const theta =
    reader.positive('rope.theta', 'rope.freq_base') ??
    reader.default('rope.theta', 'ROPE-THETA-DEFAULT', 'rope.freq_base', DEFAULT_THETA, "llama.cpp's default");
  const hasFactors = of.hasTensor('rope_freqs.weight');
  if (hasFactors && rules.readsFactors !== true) {
    const is = 'it has the tensor "rope_freqs.weight"';
    throw unsupported(reader, is, 'llama.cpp reads it for llama alone and refuses this file');
  }
  reader.record('rope.pairing', 'architecture', rules.ropePairing === 'norm' ? 'adjacent pairs' : 'halves');
  return {
    theta,
    rotaryDim: readRotaryDim(reader, rules, of.headDim),
    pairing: rules.ropePairing,
    scaling: readScaling(reader, {
      hasFactors,
      longrope: of.hasTensor(LONG_FACTORS) && of.hasTensor(SHORT_FACTORS) ? rules.longrope : undefined,
      contextLength: of.contextLength,
    }),
  };
}

function readRotaryDim(reader: ConfigReader, rules: GgufRules, headDim: number): number {
  let rotaryDim = reader.count('rope.rotaryDim', 'rope.dimension_count', headDim);
  if (rotaryDim === undefined) {
    rotaryDim = headDim;
    reader.record('rope.rotaryDim', 'architecture', 'the whole head');
  }
  if (rotaryDim % 2 !== 0 || (rules.rotatesWholeHead === true && rotaryDim !== headDim)) {
    const is = `${rotaryDim} of ${headDim} channels of a head are rotated`;
    const allowed = rotaryDim % 2 === 0 ? 'this architecture rotates the whole head' : 'an even number is needed';
    throw new RefuteError({ code: 'E_CONFIG_ROPE', place: reader.path, is, allowed });
  }
  return rotaryDim;
}

/**
 * llama.cpp: a factor without a type is linear; a factor of 0 means no scaling; the older key is asked last. For yarn
 * it reads factor, original context and attention factor; for longrope two tensors and the attention factor.
 */
function readScaling(reader: ConfigReader, of: ScalingSources): RopeScaling {
  const type = reader.get('rope.scaling.type') ?? 'linear';
  if (type !== 'linear' && type !== 'none' && type !== 'yarn' && type !== 'longrope') {
    throw unsupported(
      reader,
      `${reader.full('rope.scaling.type')} is ${shownValue(type)}`,
      'none, linear, yarn, longrope, and factors in rope_freqs.weight are supported',
    );
  }
  const factorKey = ['rope.scaling.factor', 'rope.scale_linear'].find((key) => reader.get(key) !== undefined);
  const factor =
    factorKey === undefined || reader.get(factorKey) === 0 ? 1 : (reader.positive('rope.scaling', factorKey) ?? 1);
  const isScaled = type !== 'none' && factor !== 1;
  const isLongrope = type === 'longrope' || of.longrope === 'by tensors';
  if (isScaled && (of.hasFactors || isLongrope)) {
    const tensors = of.hasFactors ? 'the tensor "rope_freqs.weight"' : 'its longrope tensors';
    throw unsupported(reader, `positions are scaled twice, by ${factor} and by ${tensors}`, 'one of them is supported');
  }
  if (type === 'yarn') return yarn(reader, factor, of);
  if (isLongrope) return longrope(reader, of);
  const attentionFactor = reader.get('rope.scaling.attn_factor');
  if (attentionFactor !== undefined && attentionFactor !== 1) {
    const is = `${reader.full('rope.scaling.attn_factor')} is ${shownValue(attentionFactor)}`;
    throw unsupported(reader, is, 'an attention factor is supported with yarn and longrope');
  }
  if (of.hasFactors) {
    reader.record('rope.scaling', 'tensor', 'rope_freqs.weight');
    return { type: 'factors', weight: 'rope_freqs.weight' };
  }
  if (isScaled) return { type: 'linear', factor };
  if (factorKey === undefined) reader.record('rope.scaling', 'architecture', 'none unless stated');
  else reader.record('rope.scaling', 'metadata', reader.full(factorKey));
  return { type: 'none' };
}

function yarn(reader: ConfigReader, factor: number, of: ScalingSources): RopeScaling {
  if (of.hasFactors) {
    throw unsupported(reader, 'it has yarn scaling and the tensor "rope_freqs.weight"', 'one of them is supported');
  }
  const attentionFactor = readAttentionFactor(reader) * yarnAttentionFactor(factor);
  const scaling = {
    type: 'yarn',
    factor,
    // llama.cpp's numbers. Other keys of its own it does not read for these architectures; here they are refused.
    betaFast: 32,
    betaSlow: 1,
    isTruncated: true,
    ...readOriginal(reader, of, ['metadata', reader.full('rope.scaling.type')]),
    attentionFactor,
  } as const;
  // Otherwise the slow end of the ramp may lie before its fast one, where the reference implementations disagree.
  if (scaling.originalContextLength <= 2 * Math.PI) {
    const is = `${reader.full('rope.scaling.original_context_length')} is ${scaling.originalContextLength}`;
    throw unsupported(reader, is, 'yarn needs at least 7 positions, one turn of the fastest pair');
  }
  return scaling;
}

function longrope(reader: ConfigReader, of: ScalingSources): RopeScaling {
  if (of.longrope === undefined) {
    const is = `${reader.full('rope.scaling.type')} is longrope`;
    throw unsupported(reader, is, `llama and phi3 with ${LONG_FACTORS} and ${SHORT_FACTORS} are supported`);
  }
  const attentionFactor = readAttentionFactor(reader);
  const scaling: RopeScaling = {
    type: 'longrope',
    short: SHORT_FACTORS,
    long: LONG_FACTORS,
    ...readOriginal(reader, of, ['tensor', `${LONG_FACTORS}, ${SHORT_FACTORS}`]),
    attentionFactor,
  };
  const { source, detail } = reader.provenance.get('rope.scaling') ?? { source: 'tensor', detail: LONG_FACTORS };
  reader.record('rope.scaling', source, `${detail}; ${byLengthRule(scaling) ?? ''}`);
  const notice = byLengthNotice(scaling);
  if (notice !== null) reader.notices.push(notice);
  return scaling;
}

function readAttentionFactor(reader: ConfigReader): number {
  return reader.positive('rope.scaling', 'rope.scaling.attn_factor') ?? 1;
}

/** llama.cpp takes the model's own context where no other is stated. Read last: a default stays on record. */
function readOriginal(
  reader: ConfigReader,
  { contextLength }: ScalingSources,
  source: [Provenance['source'], string],
): { originalContextLength: number } {
  const key = 'rope.scaling.original_context_length';
  const stated = reader.count('rope.scaling', key, LIMITS.contextLength);
  if (stated !== undefined) {
    reader.record('rope.scaling', ...source);
    return { originalContextLength: stated };
  }
  const why = "context_length as original context, llama.cpp's default";
  return { originalContextLength: reader.default('rope.scaling', 'ROPE-CONTEXT-DEFAULT', key, contextLength, why) };
}

function unsupported({ path }: ConfigReader, is: string, allowed: string): RefuteError {
  return new RefuteError({ code: 'E_CONFIG_UNSUPPORTED', place: path, is, allowed });
}
