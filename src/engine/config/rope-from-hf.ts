// The rotary parameters of a config.json: `rope_parameters` as Transformers 5 writes it, or `rope_theta` with
// `rope_scaling` as those before did.
import { RefuteError } from '../../errors.ts';
import { shownValue } from '../formats/quoted.ts';
import { LIMITS } from './config-rules.ts';
import type { ConfigReader } from './config-reader.ts';
import type { RopeParameters, RopeScaling } from '../program/program.ts';
import { byLengthNotice, byLengthRule, yarnAttentionFactor } from './rope-scaling.ts';

/** Transformers' for every type that is read here. */
const DEFAULT_THETA = 10_000;
/** Transformers' and llama.cpp's. */
const DEFAULT_BETAS = { fast: 32, slow: 1 };
const CONTEXT_DEFAULT = "max_position_embeddings as original context, Transformers' default";

/**
 * @param of.maxPositions max_position_embeddings
 * @throws RefuteError E_CONFIG_ROPE, E_CONFIG_VALUE, E_CONFIG_UNSUPPORTED, E_CONFIG_MISSING_KEY
 */
export function ropeFromHf(
  reader: ConfigReader,
  { headDim, maxPositions }: { headDim: number; maxPositions: number },
): RopeParameters {
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
  return { theta, rotaryDim: headDim, pairing: 'neox', scaling: readScaling(reader, headDim, maxPositions) };
}

function readScaling(reader: ConfigReader, headDim: number, maxPositions: number): RopeScaling {
  const typeKey = ['rope_parameters.rope_type', 'rope_parameters.type', 'rope_scaling.rope_type', 'rope_scaling.type'];
  const key = typeKey.find((candidate) => reader.get(candidate) !== undefined);
  const type = key === undefined ? 'default' : reader.get(key);
  if (key === undefined) {
    reader.record('rope.scaling', 'architecture', 'none unless stated');
    return { type: 'none' };
  }
  const group = new ScalingGroup(reader, key.slice(0, key.lastIndexOf('.') + 1), maxPositions);
  const scaling = group.read(type, headDim);
  if (scaling === null) {
    const is = `${key} is ${shownValue(type)}`;
    const allowed = 'default, linear, llama3, yarn, longrope and dynamic are supported';
    throw new RefuteError({ code: 'E_CONFIG_UNSUPPORTED', place: reader.path, is, allowed });
  }
  const rule = byLengthRule(scaling);
  // If one of its numbers is a default, the scaling is recorded as a default, never as if the file had said all of it.
  const [source, detail] = group.hasDefault ? (['default', CONTEXT_DEFAULT] as const) : (['metadata', key] as const);
  reader.record('rope.scaling', source, rule === null ? detail : `${detail}; ${rule}`);
  const notice = byLengthNotice(scaling);
  if (notice !== null) reader.notices.push(notice);
  return scaling;
}

/** The keys beside the type. */
class ScalingGroup {
  hasDefault = false;
  readonly #reader: ConfigReader;
  readonly #group: string;
  readonly #maxPositions: number;

  constructor(reader: ConfigReader, group: string, maxPositions: number) {
    this.#reader = reader;
    this.#group = group;
    this.#maxPositions = maxPositions;
  }

  /** null: a type that is not supported. */
  read(type: unknown, headDim: number): RopeScaling | null {
    switch (type) {
      case 'default':
        return { type: 'none' };
      case 'linear': {
        const factor = this.#required('factor');
        return factor === 1 ? { type: 'none' } : { type, factor };
      }
      case 'llama3':
        return {
          type,
          factor: this.#required('factor'),
          lowFreqFactor: this.#required('low_freq_factor'),
          highFreqFactor: this.#required('high_freq_factor'),
          originalContextLength: this.#originalContextLength(),
        };
      case 'yarn':
        return this.#yarn();
      case 'longrope':
        return this.#longrope(headDim / 2);
      case 'dynamic':
        if (headDim < 4) throw this.#reader.valueError(`${this.#group}rope_type`, type, 'heads of 4 channels or more');
        return { type, factor: this.#required('factor'), originalContextLength: this.#maxPositions };
      default:
        return null;
    }
  }

  #yarn(): RopeScaling {
    const originalContextLength = this.#originalContextLength();
    // Null stands for the ratio of the two contexts; the key itself must be there.
    const factor = this.#reader.isNull(`${this.#group}factor`)
      ? this.#maxPositions / originalContextLength
      : this.#required('factor');
    const inferred = yarnAttentionFactor(factor, this.#optional('mscale'), this.#optional('mscale_all_dim'));
    return {
      type: 'yarn',
      factor,
      betaFast: this.#optional('beta_fast') ?? DEFAULT_BETAS.fast,
      betaSlow: this.#optional('beta_slow') ?? DEFAULT_BETAS.slow,
      isTruncated: this.#isTruncated(),
      originalContextLength,
      attentionFactor: this.#reader.positive('rope.scaling', `${this.#group}attention_factor`) ?? inferred,
    };
  }

  #longrope(pairCount: number): RopeScaling {
    const originalContextLength = this.#originalContextLength();
    const stated = this.#reader.positive('rope.scaling', `${this.#group}factor`);
    const factor = stated ?? this.#maxPositions / originalContextLength;
    const inferred = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalContextLength));
    return {
      type: 'longrope',
      short: this.#factors('short_factor', pairCount),
      long: this.#factors('long_factor', pairCount),
      originalContextLength,
      attentionFactor: this.#reader.positive('rope.scaling', `${this.#group}attention_factor`) ?? inferred,
    };
  }

  /** The key at the top of config.json goes before the one in the group. */
  #originalContextLength(): number {
    const name = 'original_max_position_embeddings';
    const stated =
      this.#reader.count('rope.scaling', name, LIMITS.contextLength) ??
      this.#reader.count('rope.scaling', this.#group + name, LIMITS.contextLength);
    if (stated !== undefined) return stated;
    this.hasDefault = true;
    const [code, key] = ['ROPE-CONTEXT-DEFAULT', this.#group + name];
    return this.#reader.default('rope.scaling', code, key, this.#maxPositions, CONTEXT_DEFAULT);
  }

  /** As Python takes `get('truncate', True)`: absent is true, null is false. */
  #isTruncated(): boolean {
    const key = `${this.#group}truncate`;
    return !this.#reader.isNull(key) && (this.#reader.flag('rope.scaling', key) ?? true);
  }

  #factors(name: string, count: number): number[] {
    const key = this.#group + name;
    const value = this.#reader.get(key);
    if (value === undefined) this.#reader.missing(key);
    const isList = Array.isArray(value) && value.length === count && value.every((n) => isPositive(n));
    if (!isList) throw this.#reader.valueError(key, value, `it must list ${count} finite numbers above 0`);
    return value as number[];
  }

  #required(name: string): number {
    return this.#reader.requiredPositive('rope.scaling', this.#group + name);
  }

  /** 0 counts as absent, as it does in Transformers. */
  #optional(name: string): number | undefined {
    const key = this.#group + name;
    return this.#reader.get(key) === 0 ? undefined : this.#reader.positive('rope.scaling', key);
  }
}

function isPositive(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && Number.isFinite(value);
}
