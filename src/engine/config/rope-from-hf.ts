// The rotary parameters of a config.json: base, width, scaling. Where they stand is in stated-rope.ts.
import { RefuteError } from '../../errors.ts';
import { shownValue } from '../formats/quoted.ts';
import type { HfRope } from './architecture.ts';
import { LIMITS } from './config-rules.ts';
import type { ConfigReader } from './config-reader.ts';
import type { RopeParameters, RopeScaling } from '../program/program.ts';
import { StatedRope } from './stated-rope.ts';
import { byLengthNotice, byLengthRule, yarnAttentionFactor } from './rope-scaling.ts';

/** Transformers' for most types. */
const DEFAULT_THETA = 10_000;
const WHY = "Transformers' default";
/** Transformers' and llama.cpp's. */
const DEFAULT_BETAS = { fast: 32, slow: 1 };
const TYPES = ['default', 'linear', 'llama3', 'yarn', 'longrope', 'dynamic'];
const CONTEXT_DEFAULT = "max_position_embeddings as original context, Transformers' default";

/**
 * @param of.maxPositions max_position_embeddings
 * @throws RefuteError E_CONFIG_ROPE, E_CONFIG_VALUE, E_CONFIG_UNSUPPORTED, E_CONFIG_MISSING_KEY
 */
export function ropeFromHf(
  reader: ConfigReader,
  { headDim, maxPositions }: { headDim: number; maxPositions: number },
  rules: HfRope = {},
): RopeParameters {
  const stated = new StatedRope(reader, rules);
  const theta =
    reader.positive('rope.theta', stated.keyOf('rope_theta')) ??
    reader.positive('rope.theta', 'rope_theta') ??
    reader.default('rope.theta', 'ROPE-THETA-DEFAULT', 'rope_theta', rules.theta ?? DEFAULT_THETA, WHY);
  stated.noteOthers('rope_theta', theta);
  reader.record('rope.pairing', 'architecture', 'halves: rows of Q and K are stored as trained');
  const rotaryDim = readRotaryDim(reader, rules, stated, headDim);
  return {
    theta,
    rotaryDim,
    pairing: 'neox',
    scaling: readScaling(reader, rules, { stated, rotaryDim, maxPositions }),
  };
}

function readRotaryDim(
  reader: ConfigReader,
  { isPartial = false }: HfRope,
  stated: StatedRope,
  headDim: number,
): number {
  reader.record('rope.rotaryDim', 'architecture', 'the whole head');
  const name = 'partial_rotary_factor';
  const key = [stated.keyOf(name), name].find((candidate) => isPartial && reader.get(candidate) !== undefined);
  const factor = key === undefined ? 1 : reader.requiredPositive('rope.rotaryDim', key);
  if (isPartial) stated.noteOthers(name, factor);
  const rotaryDim = Math.trunc(headDim * factor);
  if (rotaryDim > 0 && rotaryDim <= headDim && rotaryDim % 2 === 0) return rotaryDim;
  throw new RefuteError({
    code: 'E_CONFIG_ROPE',
    place: reader.path,
    is: `${rotaryDim} of ${headDim} channels of a head are rotated`,
    allowed: 'an even number is needed, of at most all',
  });
}

function readScaling(
  reader: ConfigReader,
  rules: HfRope,
  of: { stated: StatedRope; rotaryDim: number; maxPositions: number },
): RopeScaling {
  const { stated } = of;
  const key = stated.typeKey();
  const type = key === null ? 'default' : reader.get(key);
  const ownType = typeof type === 'string' ? (rules.typeNames?.[type] ?? type) : type;
  stated.noteOthers('rope_type', type);
  const group = new ScalingGroup(reader, stated, rules, of.maxPositions);
  const scaling = group.read(ownType, of.rotaryDim);
  if (scaling === null) {
    const is = `${reader.full(key ?? 'rope_type')} is ${shownValue(type)}`;
    const allowed = `${(rules.types ?? TYPES).join(', ')} are supported`;
    throw new RefuteError({ code: 'E_CONFIG_UNSUPPORTED', place: reader.path, is, allowed });
  }
  stated.checkNumbers(String(ownType));
  stated.noteNumbers(String(ownType));
  if ('originalContextLength' in scaling && scaling.type !== 'dynamic') {
    stated.noteOthers('original_max_position_embeddings', scaling.originalContextLength);
  }
  if (key === null) {
    reader.record('rope.scaling', 'architecture', 'none unless stated');
    return scaling;
  }
  const rule = byLengthRule(scaling);
  // If one of its numbers is a default, the scaling is recorded as a default, never as if the file had said all of it.
  const [source, detail] = group.hasDefault
    ? ['default' as const, CONTEXT_DEFAULT]
    : ['metadata' as const, reader.full(key)];
  reader.record('rope.scaling', source, rule === null ? detail : `${detail}; ${rule}`);
  const notice = byLengthNotice(scaling);
  if (notice !== null) reader.notices.push(notice);
  return scaling;
}

/** The keys beside the type. */
class ScalingGroup {
  hasDefault = false;
  readonly #reader: ConfigReader;
  readonly #stated: StatedRope;
  readonly #rules: HfRope;
  readonly #maxPositions: number;

  constructor(reader: ConfigReader, stated: StatedRope, rules: HfRope, maxPositions: number) {
    this.#reader = reader;
    this.#stated = stated;
    this.#rules = rules;
    this.#maxPositions = maxPositions;
  }

  /** null: a type that is not supported. */
  read(type: unknown, rotaryDim: number): RopeScaling | null {
    if (typeof type !== 'string' || !(this.#rules.types ?? TYPES).includes(type)) return null;
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
        return this.#longrope(rotaryDim / 2);
      case 'dynamic':
        if (rotaryDim < 4)
          throw this.#reader.valueError(this.#stated.keyOf('rope_type'), type, 'heads of 4 channels or more');
        return { type, factor: this.#required('factor'), originalContextLength: this.#maxPositions };
      default:
        return null;
    }
  }

  #yarn(): RopeScaling {
    const originalContextLength = this.#originalContextLength();
    // Null stands for the ratio of the two contexts; the key itself must be there.
    const factor = this.#reader.isNull(this.#stated.keyOf('factor'))
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
      attentionFactor: this.#reader.positive('rope.scaling', this.#stated.keyOf('attention_factor')) ?? inferred,
    };
  }

  #longrope(pairCount: number): RopeScaling {
    const originalContextLength = this.#originalContextLength();
    const stated = this.#reader.positive('rope.scaling', this.#stated.keyOf('factor'));
    const factor = stated ?? this.#maxPositions / originalContextLength;
    const inferred = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalContextLength));
    return {
      type: 'longrope',
      short: this.#factors('short_factor', pairCount),
      long: this.#factors('long_factor', pairCount),
      originalContextLength,
      attentionFactor: this.#reader.positive('rope.scaling', this.#stated.keyOf('attention_factor')) ?? inferred,
    };
  }

  /** The key at the top of config.json goes before the one in the group, and so does a default of the class for it. */
  #originalContextLength(): number {
    const name = 'original_max_position_embeddings';
    const [code, ofClass] = ['ROPE-CONTEXT-DEFAULT', this.#rules.originalContextLength];
    // Transformers does not ask there where layers rotate differently.
    const atTop = this.#stated.isNested ? undefined : this.#reader.count('rope.scaling', name, LIMITS.contextLength);
    if (atTop !== undefined) return atTop;
    if (ofClass === undefined) {
      const inGroup = this.#reader.count('rope.scaling', this.#stated.keyOf(name), LIMITS.contextLength);
      if (inGroup !== undefined) return inGroup;
    }
    this.hasDefault = true;
    return ofClass === undefined
      ? this.#reader.default('rope.scaling', code, this.#stated.keyOf(name), this.#maxPositions, CONTEXT_DEFAULT)
      : this.#reader.default('rope.scaling', code, name, ofClass, WHY);
  }

  /** As Python takes `get('truncate', True)`: absent is true, null is false. */
  #isTruncated(): boolean {
    const key = this.#stated.keyOf('truncate');
    const isTruncated = !this.#reader.isNull(key) && (this.#reader.flag('rope.scaling', key) ?? true);
    if (isTruncated || !this.#stated.isNested) return isTruncated;
    throw this.#reader.valueError(
      key,
      isTruncated,
      'true: Transformers does not read it where layers rotate differently',
    );
  }

  #factors(name: string, count: number): number[] {
    const key = this.#stated.keyOf(name);
    const value = this.#reader.get(key);
    if (value === undefined) this.#reader.missing(key);
    const isList = Array.isArray(value) && value.length === count && value.every((n) => isPositive(n));
    if (!isList) throw this.#reader.valueError(key, value, `it must list ${count} finite numbers above 0`);
    return value as number[];
  }

  #required(name: string): number {
    return this.#reader.requiredPositive('rope.scaling', this.#stated.keyOf(name));
  }

  /** 0 counts as absent, as it does in Transformers. */
  #optional(name: string): number | undefined {
    const key = this.#stated.keyOf(name);
    return this.#reader.get(key) === 0 ? undefined : this.#reader.positive('rope.scaling', key);
  }
}

function isPositive(value: unknown): boolean {
  // As float32, which is what a factor is stored and computed in.
  const single = typeof value === 'number' ? Math.fround(value) : Number.NaN;
  return single > 0 && Number.isFinite(single);
}
