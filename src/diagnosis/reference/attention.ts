// Attention as the formats of an engine make it, in float64, with its budget. Where a format rounds to fewer bits than
// float32 the rounding is done, on the two ends of what float32 leaves open: nearly always both fall to one number, and
// nothing stays open; where they fall to two neighbours, both are right. So the budget stays near that of float32,
// while another format, or a bug, is off by what a half rounds.
import type { AttentionFormat } from '../../engine/program/numeric-profile.ts';
import type { AttentionOp } from '../../engine/program/program.ts';
import { attention } from '../../oracles/float64/ops/attention.ts';
import { attentionBudget } from '../ops/attention.ts';
import { carryThroughAttention } from '../ops/attention-carry.ts';
import { forEachHead, type CachedRows } from '../ops/attention-heads.ts';
import { SMALLEST_NORMAL_F32 } from '../ops/constants.ts';
import type { OpReference } from '../ops/judgement.ts';
import { roundActivations, stepsOf } from './activations.ts';
import type { Arithmetic } from './arithmetic.ts';
import { leewayOf, mixedHead, NO_LEEWAY, productsOf, type Leeway } from './attention-mix.ts';
import { roundingTo } from './round-to-half.ts';

/** How far off each element of q, and of k and v at every position, may be; null: it is exact. */
export type AttentionDeviations = readonly [q: Float64Array | null, k: Float64Array | null, v: Float64Array | null];

type Tier = 'expected' | 'proven';

export interface AttentionInputs {
  /** As the engine wrote them, of the last positions of the cache. */
  queries: Float64Array;
  /** As the engine's cache holds them. */
  cache: CachedRows;
  arithmetic: Arithmetic;
  /** Absent: the engine read what is given. */
  deviations?: { expected: AttentionDeviations; proven: AttentionDeviations };
}

/** @param format null: everything as it is stored and summed elsewhere */
export function attentionReference(
  op: AttentionOp,
  inputs: AttentionInputs,
  format: AttentionFormat | null,
): OpReference {
  if (format === null) return withoutRounding(op, inputs);
  const { arithmetic } = inputs;
  const rounded = { ...inputs, ...roundedQueries(inputs, format), arithmetic: within(arithmetic, format) };
  const { scores, probabilities, accumulator } = format;
  const isRounding = [scores, probabilities, accumulator].some((type) => roundingTo(type) !== null);
  const should = isRounding ? withRounding(op, rounded, format) : withoutRounding(op, rounded);
  return stored(should, arithmetic);
}

function withoutRounding(op: AttentionOp, { queries, cache, arithmetic, deviations }: AttentionInputs): OpReference {
  const reference = attention(op, queries, cache.keys, cache.values);
  const budget = attentionBudget(op, queries, cache, reference, arithmetic);
  if (deviations === undefined) return budget;
  const carried = (tier: Tier): Float64Array =>
    sumOf(budget[tier], carryThroughAttention(op, queries, cache, deviations[tier]));
  return { ...budget, expected: carried('expected'), proven: carried('proven') };
}

function withRounding(
  op: AttentionOp,
  { queries: q, cache, arithmetic, deviations }: AttentionInputs,
  format: AttentionFormat,
): OpReference {
  const [reference, expected, proven] = [
    new Float64Array(q.length),
    new Float64Array(q.length),
    new Float64Array(q.length),
  ];
  const leewayIn = (tier: Tier): Leeway => leewayOf(tier, arithmetic, format, offOf(deviations?.[tier], q, cache));
  const tiers = [
    { leeway: leewayIn('expected'), budget: expected },
    { leeway: leewayIn('proven'), budget: proven },
  ];
  forEachHead(op, q, cache, (head) => {
    const run = { op, format, q, cache, head, products: productsOf(op, q, cache, head) };
    const should = mixedHead(run, NO_LEEWAY).lo;
    reference.set(should, head.at);
    for (const { leeway, budget } of tiers) {
      const { lo, hi } = mixedHead(run, leeway);
      budget.set(
        should.map((y, c) => Math.max((hi[c] ?? Number.NaN) - y, y - (lo[c] ?? Number.NaN))),
        head.at,
      );
    }
  });
  return { reference, expected, proven, magnitude: null };
}

/** Float32 arithmetic within the op, whatever its result is stored in. */
function within(arithmetic: Arithmetic, { divides }: AttentionFormat): Arithmetic {
  const { sumUnit, tiny, positionDepth, expUnits } = arithmetic;
  return {
    ...arithmetic,
    unit: sumUnit,
    tiny: Math.min(tiny, SMALLEST_NORMAL_F32),
    // Every key may bring a new largest score, by whose power the sums so far are multiplied.
    positionDepth: divides === 'first' ? positionDepth : (n) => positionDepth(n) + n * (1 + expUnits(0)),
  };
}

function stored(should: OpReference, { unit, sumUnit, tiny }: Arithmetic): OpReference {
  if (unit === sumUnit) return should;
  const store = should.reference.map((y) => unit * Math.abs(y) + tiny);
  return { ...should, expected: sumOf(should.expected, store), proven: sumOf(should.proven, store) };
}

/** What meets the keys, and how far off that may be: a number off by d falls where its ends fall, or between. */
function roundedQueries(
  { queries, deviations }: AttentionInputs,
  { queries: type }: AttentionFormat,
): Pick<AttentionInputs, 'queries' | 'deviations'> {
  if (type === 'f32' || type === 'f64') return { queries, ...(deviations === undefined ? {} : { deviations }) };
  const rounded = (off: Float64Array | null, side: number): Float64Array =>
    roundActivations(
      off === null
        ? queries
        : sumOf(
            queries,
            off.map((d) => side * d),
          ),
      type,
    ).values;
  const { values, tieSteps } = roundActivations(queries, type);
  const through = (off: Float64Array | null): Float64Array | null => {
    if (off === null) return tieSteps;
    // A block's largest number moves the steps of all of it.
    if (type === 'q8_0')
      return sumOf(
        off.map((d) => 2 * d),
        stepsOf(queries, type),
      );
    const [below, above] = [rounded(off, -1), rounded(off, 1)];
    return values.map((q, i) => Math.max((above[i] ?? Number.NaN) - q, q - (below[i] ?? Number.NaN)));
  };
  if (deviations === undefined && tieSteps === null) return { queries: values };
  const inTier = (tier: Tier): AttentionDeviations => {
    const [q = null, k = null, v = null] = deviations?.[tier] ?? [];
    return [through(q), k, v];
  };
  return { queries: values, deviations: { expected: inTier('expected'), proven: inTier('proven') } };
}

function offOf(deviations: AttentionDeviations | undefined, q: Float64Array, cache: CachedRows): Leeway['off'] {
  if (deviations === undefined || deviations.every((off) => off === null)) return null;
  const [offQ, offK, offV] = deviations;
  return {
    q: offQ ?? new Float64Array(q.length),
    k: offK ?? new Float64Array(cache.keys.length),
    v: offV ?? new Float64Array(cache.values.length),
  };
}

function sumOf(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + (b[i] ?? Number.NaN));
}
