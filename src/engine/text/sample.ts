// From logits to one token. The order is fixed: repeat penalty, temperature, top-k, top-p, draw. (As in Transformers;
// llama.cpp applies the temperature last, so its top-p keeps other tokens at temperatures other than 1.)
import { RefuteError } from '../../errors.ts';
import type { FloatArray } from '../program/executor.ts';
import type { RandomSource } from './random-source.ts';

export interface SamplingOptions {
  /** 0: the most likely token, and none of the rest applies but the repeat penalty. */
  temperature: number;
  /** Only the k most likely tokens; 0: all. */
  topK: number;
  /** Only the most likely tokens that together reach this probability; 1: all. At least one stays. */
  topP: number;
  /** Positive logits of recent tokens are divided by it, negative ones multiplied; 1: off. */
  repeatPenalty: number;
  /** How many of the last tokens, the prompt's included, count as recent. */
  repeatLastN: number;
}

export const GREEDY: SamplingOptions = { temperature: 0, topK: 0, topP: 1, repeatPenalty: 1, repeatLastN: 64 };

/** @throws RefuteError E_SAMPLING, naming the option; nothing is clamped */
export function checkSampling(options: SamplingOptions): void {
  const { temperature, topK, topP, repeatPenalty, repeatLastN } = options;
  const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  if (!(temperature >= 0 && temperature < Infinity))
    throw optionError('temperature', temperature, 'a finite number from 0');
  if (!isWhole(topK)) throw optionError('top-k', topK, 'a whole number from 0 (0 keeps all)');
  if (!(topP > 0 && topP <= 1)) throw optionError('top-p', topP, 'a number above 0, at most 1');
  if (!(repeatPenalty > 0 && repeatPenalty < Infinity))
    throw optionError('repeat-penalty', repeatPenalty, 'a finite number above 0');
  if (!isWhole(repeatLastN)) throw optionError('repeat-last-n', repeatLastN, 'a whole number from 0');
}

/**
 * @param logits one row, not changed
 * @param recent every token so far, oldest first
 * @throws RefuteError E_LOGITS where a logit is NaN or +Infinity, or all are −Infinity: no token is the likeliest
 */
export function sampleToken(
  logits: FloatArray,
  recent: readonly number[],
  options: SamplingOptions,
  random: RandomSource,
): number {
  checkLogits(logits);
  const penalized = penalize(logits, recent, options);
  const best = argmax(penalized);
  if (options.temperature === 0) return best;
  const kept = keepTopP(keepTopK(penalized, options.topK), penalized, best, options);
  return draw(kept, penalized, best, options.temperature, random);
}

/** The greatest; of equals the lowest id. */
export function argmax(logits: FloatArray): number {
  let best = 0;
  for (let id = 1; id < logits.length; id += 1) {
    if ((logits[id] ?? 0) > (logits[best] ?? 0)) best = id;
  }
  return best;
}

/** What logits reach; NaN where one is NaN. */
export interface LogitRange {
  greatest: number;
  least: number;
}

export function logitRange(logits: FloatArray): LogitRange {
  let [greatest = 0] = logits;
  let least = greatest;
  for (const logit of logits) {
    if (Number.isNaN(logit)) return { greatest: Number.NaN, least: Number.NaN };
    if (logit > greatest) greatest = logit;
    if (logit < least) least = logit;
  }
  return { greatest, least };
}

/** Whether every token is as likely as every other, so that a choice says nothing. */
export function isFlat({ greatest, least }: LogitRange): boolean {
  return greatest === least;
}

/** Whether the likeliest token is taken, whatever came before. */
export function isPlainGreedy({ temperature, repeatPenalty, repeatLastN }: SamplingOptions): boolean {
  return temperature === 0 && (repeatPenalty === 1 || repeatLastN === 0);
}

function checkLogits(logits: FloatArray): void {
  let isPossible = false;
  for (let id = 0; id < logits.length; id += 1) {
    const logit = logits[id] ?? Number.NaN;
    if (!(logit < Infinity)) throw logitsError(`the logit of token ${id} is ${logit}`);
    isPossible ||= logit > -Infinity;
  }
  if (!isPossible) throw logitsError(`none of ${logits.length} tokens has a logit above -Infinity`);
}

function penalize(logits: FloatArray, recent: readonly number[], options: SamplingOptions): FloatArray {
  const { repeatPenalty, repeatLastN } = options;
  if (repeatPenalty === 1 || repeatLastN === 0) return logits;
  const penalized = logits.slice();
  for (const id of new Set(recent.slice(-repeatLastN))) {
    const logit = logits[id];
    if (logit !== undefined) penalized[id] = logit > 0 ? logit / repeatPenalty : logit * repeatPenalty;
  }
  return penalized;
}

/** Ids by logit, greatest first, equals by id; all of them in id order where nothing is cut. */
function keepTopK(logits: FloatArray, topK: number): number[] {
  const all = Array.from(logits, (_, id) => id);
  if (topK === 0 || topK >= logits.length) return all;
  // Sorting the numbers alone is several times faster than sorting ids by them.
  const least = logits.toSorted()[logits.length - topK] ?? -Infinity;
  return byLogit(
    logits,
    all.filter((id) => (logits[id] ?? -Infinity) >= least),
  ).slice(0, topK);
}

function keepTopP(ids: number[], logits: FloatArray, best: number, { topP, temperature }: SamplingOptions): number[] {
  if (topP === 1) return ids;
  const weightOf = weights(logits, best, temperature);
  const total = ids.reduce((sum, id) => sum + weightOf(id), 0);
  // Tokens below this weigh less than 1 − topP together, so none of them is needed; it saves sorting a vocabulary.
  const floor = ((1 - topP) * total) / ids.length;
  const candidates = ids.filter((id) => weightOf(id) >= floor || id === best);
  const kept: number[] = [];
  let sum = 0;
  for (const id of byLogit(logits, candidates)) {
    kept.push(id);
    sum += weightOf(id);
    if (sum >= topP * total) break;
  }
  return kept;
}

function draw(
  ids: readonly number[],
  logits: FloatArray,
  best: number,
  temperature: number,
  random: RandomSource,
): number {
  const weightOf = weights(logits, best, temperature);
  const total = ids.reduce((sum, id) => sum + weightOf(id), 0);
  let left = random.nextUnit() * total;
  let last = best;
  for (const id of ids) {
    const weight = weightOf(id);
    if (weight === 0) continue;
    left -= weight;
    last = id;
    if (left < 0) break;
  }
  return last;
}

/** e^((logit − greatest) / temperature): from 0 to 1, never infinite. In double precision. */
function weights(logits: FloatArray, best: number, temperature: number): (id: number) => number {
  const most = logits[best] ?? 0;
  // At a tiny temperature the quotient overflows to −Infinity, whose exponential is the right limit, 0.
  return (id) => (id === best ? 1 : Math.exp(((logits[id] ?? -Infinity) - most) / temperature));
}

function byLogit(logits: FloatArray, ids: number[]): number[] {
  return ids.toSorted((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
}

function optionError(option: string, value: number, allowed: string): RefuteError {
  return new RefuteError({ code: 'E_SAMPLING', place: option, is: `${value}`, allowed: `${allowed} is needed` });
}

function logitsError(is: string): RefuteError {
  const next = 'apr trace names the first op whose numbers leave their range, and the tensor behind it if one is bad';
  return new RefuteError({ code: 'E_LOGITS', place: 'sampling', is, next });
}
