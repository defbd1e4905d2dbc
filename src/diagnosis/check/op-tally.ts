// The judgement of one op: every element of what the engine wrote against what the op should have written, in units of
// its budget, from the nearest result that is right where there are several; the worst place; group statistics that a
// mean over the tensor would dilute; a test for bias; a bit test for NaN and infinities. Takes chunks of positions in
// order and keeps constant memory.
import type { FloatArray } from '../../engine/program/executor.ts';
import type { FloatType } from '../../engine/program/numeric-profile.ts';
import type { Op, ValueId } from '../../engine/program/program.ts';
import { UNIT_BF16, UNIT_F16, UNIT_F32 } from '../ops/constants.ts';
import type { OpReference } from '../ops/judgement.ts';
import { judgementOf } from '../ops/judgements.ts';
import type { Arithmetic } from '../reference/arithmetic.ts';
import { GroupTally, type WorstGroup } from './group-tally.ts';

/** Where an element is, in words that the model has. */
export interface ElementPlace {
  position: number;
  channel: number;
  /** null where the value has no heads. */
  head: number | null;
}

export interface WorstElement extends ElementPlace {
  engine: number;
  reference: number;
  /** |engine − reference| over the budget of the tier. */
  rho: number;
  budget: number;
  /** Σ|w·x| / |y| of a matmul: large where the sum cancels, which is not a bug. */
  conditionNumber: number | null;
}

export interface OpFindings {
  op: Op['op'];
  value: ValueId;
  layer: number | null;
  elementCount: number;
  /** Largest |e| over the expected and over the proven budget. */
  rhoExpected: number;
  rhoProven: number;
  worst: WorstElement | null;
  /** Elements where one side is NaN or infinite and the other is not, or is another one. */
  nonFiniteMismatches: number;
  firstNonFinite: ElementPlace | null;
  /** NaN or infinite in the engine, right or not. */
  nonFiniteCount: number;
  /** Elements that nothing bounds: whatever the engine writes there is within an infinite budget. */
  unboundedCount: number;
  /** Of the local error: mean e·sign(y) in units of the last place, and its t. null where too few elements. */
  bias: { meanUlp: number; t: number } | null;
  isBiased: boolean;
  /** The row, head, block or tail that is nearest to its limit, or most above it. */
  group: WorstGroup | null;
  /** Root mean square of e over the expected budget. */
  rms: number;
  /** Local error alone: Σe², Σy². */
  sumSquaredError: number;
  sumSquares: number;
  maxAbsError: number;
  status: 'healthy' | 'suspect' | 'faulty';
}

const buffer = new DataView(new ArrayBuffer(4));

/** Distance between neighbouring float32 at |x|. */
function ulpAt(x: number): number {
  buffer.setFloat32(0, Math.abs(x));
  const exponent = buffer.getUint32(0) >>> 23;
  return 2 ** (Math.max(exponent, 1) - 150);
}

/** Bias: |t| above this and a mean above that, in units of the last place. A truncating store has mean −0.5. */
const BIAS_T = 6;
const BIAS_MEAN_ULP = 0.05;

/** Elements below which a t-test says nothing. */
const BIAS_LEAST_COUNT = 256;

interface TallyOptions {
  layer: number | null;
  width: number;
  headDim: number | null;
  arithmetic: Pick<Arithmetic, 'largest' | 'storage'>;
  /** Several ops judged as one: what is known of the errors of one op, their spread and their bias, does not hold. */
  isFused?: boolean;
}

export class OpTally {
  readonly #op: Op;
  readonly #isFused: boolean;
  readonly #layer: number | null;
  readonly #width: number;
  readonly #headDim: number | null;
  /** What is beyond it may be an infinity. */
  readonly #largest: number;
  /** Units of the last place of a stored value, in those of a float32. */
  readonly #ulpScale: number;
  readonly #groups: GroupTally;
  #elementCount = 0;
  #rhoExpected = 0;
  #rhoProven = 0;
  #worst: WorstElement | null = null;
  #worstRank = -1;
  #nonFiniteMismatches = 0;
  #firstNonFinite: ElementPlace | null = null;
  #nonFiniteCount = 0;
  #unboundedCount = 0;
  #biasCount = 0;
  #biasSum = 0;
  #biasSquares = 0;
  #squares = 0;
  #sumSquaredError = 0;
  #sumSquares = 0;
  #maxAbsError = 0;

  constructor(op: Op, { layer, width, headDim, arithmetic, isFused = false }: TallyOptions) {
    this.#op = op;
    this.#layer = layer;
    this.#width = width;
    this.#headDim = headDim;
    this.#largest = arithmetic.largest;
    this.#ulpScale = ulpScaleOf(arithmetic.storage);
    this.#isFused = isFused;
    this.#groups = new GroupTally(op.op, { width, headDim, isHalf: this.#ulpScale > 1 });
  }

  /** @param engine [rows, width], from `firstPosition` on */
  add(engine: FloatArray, should: OpReference, firstPosition: number): void {
    const { reference, expected, proven, slack } = should;
    if (engine.length !== reference.length) {
      throw new RangeError(`${this.#op.out}: ${engine.length} values for ${reference.length}`);
    }
    const isRoundedOnce = judgementOf(this.#op.op).isRoundedOnce === true && !this.#isFused;
    this.#groups.beginChunk(firstPosition);
    for (let i = 0; i < engine.length; i += 1) {
      const [e, y, b] = [engine[i] ?? 0, reference[i] ?? 0, expected[i] ?? 0];
      if (!(Number.isFinite(e) && Number.isFinite(y))) {
        this.#addNonFinite(e, y, proven[i] ?? 0, i, firstPosition);
        continue;
      }
      if (proven[i] === Infinity) this.#unboundedCount += 1;
      const error = beyond(e - y, slack?.[i] ?? 0);
      const size = Math.abs(error);
      this.#sumSquares += y * y;
      this.#sumSquaredError += error * error;
      if (size > this.#maxAbsError) this.#maxAbsError = size;
      const rho = ratioOf(size, b);
      this.#groups.add(i, rho);
      this.#squares += rho * rho;
      if (isRoundedOnce && size > 0) this.#addBias(error, y);
      if (!(rho <= this.#rhoExpected)) {
        this.#rhoExpected = rho;
        this.#keepWorst(i, rho, should, e, firstPosition);
      }
      this.#rhoProven = Math.max(this.#rhoProven, ratioOf(size, proven[i] ?? 0));
    }
    if (isRoundedOnce) this.#biasCount += engine.length;
    this.#elementCount += engine.length;
    this.#groups.endChunk(engine.length / this.#width);
  }

  #addBias(error: number, y: number): void {
    const ulps = (error * Math.sign(y)) / (this.#ulpScale * ulpAt(y));
    this.#biasSum += ulps;
    this.#biasSquares += ulps * ulps;
  }

  #addNonFinite(e: number, y: number, proven: number, i: number, firstPosition: number): void {
    if (!Number.isFinite(e)) this.#nonFiniteCount += 1;
    const isOverflow = Math.abs(y) + proven > this.#largest && Math.abs(e) >= this.#largest && e * y > 0;
    if (Object.is(e, y) || (Number.isNaN(e) && Number.isNaN(y)) || isOverflow) return;
    this.#nonFiniteMismatches += 1;
    this.#firstNonFinite ??= this.#placeOf(i, firstPosition);
    if (this.#worstRank === Infinity) return;
    this.#worstRank = Infinity;
    const place = this.#placeOf(i, firstPosition);
    this.#worst = { ...place, engine: e, reference: y, rho: Infinity, budget: proven, conditionNumber: null };
  }

  #keepWorst(i: number, rho: number, { reference, expected, magnitude }: OpReference, e: number, first: number): void {
    if (!(rho > this.#worstRank)) return;
    this.#worstRank = rho;
    const y = reference[i] ?? 0;
    const conditionNumber = magnitude === null || y === 0 ? null : (magnitude[i] ?? 0) / Math.abs(y);
    this.#worst = {
      ...this.#placeOf(i, first),
      engine: e,
      reference: y,
      rho,
      budget: expected[i] ?? 0,
      conditionNumber,
    };
  }

  #placeOf(i: number, firstPosition: number): ElementPlace {
    const channel = i % this.#width;
    const head = this.#headDim === null ? null : Math.floor(channel / this.#headDim);
    return { position: firstPosition + Math.floor(i / this.#width), channel, head };
  }

  finish(): OpFindings {
    const bias = this.#bias();
    const isBiased = bias !== null && Math.abs(bias.t) > BIAS_T && Math.abs(bias.meanUlp) > BIAS_MEAN_ULP;
    const group = this.#isFused ? null : this.#groups.worst();
    const isFaulty = this.#nonFiniteMismatches > 0 || !(this.#rhoProven <= 1);
    const isGroupOver = group !== null && !(group.rms <= group.limit);
    const isSuspect = !(this.#rhoExpected <= 1) || isBiased || isGroupOver;
    return {
      op: this.#op.op,
      value: this.#op.out,
      layer: this.#layer,
      elementCount: this.#elementCount,
      rhoExpected: this.#nonFiniteMismatches > 0 ? Infinity : this.#rhoExpected,
      rhoProven: this.#nonFiniteMismatches > 0 ? Infinity : this.#rhoProven,
      worst: this.#worst,
      nonFiniteMismatches: this.#nonFiniteMismatches,
      firstNonFinite: this.#firstNonFinite,
      nonFiniteCount: this.#nonFiniteCount,
      unboundedCount: this.#unboundedCount,
      bias,
      isBiased,
      group,
      rms: Math.sqrt(this.#squares / Math.max(1, this.#elementCount)),
      sumSquaredError: this.#sumSquaredError,
      sumSquares: this.#sumSquares,
      maxAbsError: this.#maxAbsError,
      status: isFaulty ? 'faulty' : isSuspect ? 'suspect' : 'healthy',
    };
  }

  #bias(): OpFindings['bias'] {
    const n = this.#biasCount;
    if (n < BIAS_LEAST_COUNT) return null;
    const mean = this.#biasSum / n;
    const variance = this.#biasSquares / n - mean * mean;
    return { meanUlp: mean, t: variance > 0 ? mean / Math.sqrt(variance / n) : mean === 0 ? 0 : Infinity };
  }
}

function ulpScaleOf(storage: FloatType): number {
  return storage === 'bf16' ? UNIT_BF16 / UNIT_F32 : storage === 'f16' ? UNIT_F16 / UNIT_F32 : 1;
}

/** What is left of a difference from the middle of the results that are right. */
function beyond(difference: number, slack: number): number {
  return slack === 0 ? difference : Math.sign(difference) * Math.max(0, Math.abs(difference) - slack);
}

/** Infinite where there is no budget: a NaN would be lost at the next element. */
function ratioOf(size: number, budget: number): number {
  if (size === 0) return 0;
  return Number.isNaN(budget) ? Infinity : size / budget;
}
