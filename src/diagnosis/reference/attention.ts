// Attention as the formats of an engine make it, in float64, with its budget. Where a format rounds to fewer bits than
// float32 the rounding is done, on the two ends of what float32 leaves open: nearly always both fall to one number, and
// nothing stays open; where they fall to two neighbours, both are right. So the budget stays near that of float32,
// while another format, or a bug, is off by what a half rounds.
import type { AttentionFormat, CacheFormat } from '../../engine/program/numeric-profile.ts';
import type { AttentionOp } from '../../engine/program/program.ts';
import { attention } from '../../oracles/float64/ops/attention.ts';
import { attentionBudget } from '../ops/attention.ts';
import { carryThroughAttention } from '../ops/attention-carry.ts';
import { forEachHead, type CachedRows } from '../ops/attention-heads.ts';
import { SMALLEST_NORMAL_F32, UNIT_F32 } from '../ops/constants.ts';
import type { OpReference } from '../ops/judgement.ts';
import type { Arithmetic } from './arithmetic.ts';
import {
  eitherOf,
  metInput,
  turningError,
  type MetInput,
  type Off,
  type OfInputs,
  type Tier,
} from './attention-inputs.ts';
import { mixedHead } from './attention-mix.ts';
import { leewayOf, productsOf, type Leeway } from './attention-scores.ts';
import { roundingTo } from './round-to-half.ts';
import { turned, turnedBlocks, turnedSizes } from './turned-heads.ts';

export interface AttentionInputs {
  /** As the engine wrote them: queries of the last positions, keys and values of all. */
  written: OfInputs<Float64Array>;
  /** Its `attention` and `kvCache` say what is rounded. */
  arithmetic: Arithmetic;
  /** How far off what was not captured but computed may be. */
  off?: Readonly<Record<Tier, OfInputs<Off>>>;
}

/** What meets in attention. */
interface Met {
  op: AttentionOp;
  queries: Float64Array;
  cache: CachedRows;
  arithmetic: Arithmetic;
  slack: OfInputs<Off>;
  off: Readonly<Record<Tier, OfInputs<Off>>>;
}

export function attentionReference(given: AttentionOp, inputs: AttentionInputs): OpReference {
  const { arithmetic } = inputs;
  const { attention: format, storage, kvCache } = arithmetic;
  const isScaled = format?.scales === 'queries';
  const { written, off } = isScaled ? scaledQueries(given.scale, inputs) : inputs;
  const op = isScaled ? { ...given, scale: 1 } : given;
  const blocks = format?.isTurned === true ? turnedBlocks(op.headDim) : null;
  const cached = kvCache === storage ? null : kvCache;
  const meet = (input: 0 | 1 | 2, type: CacheFormat | null, block: number | null): MetInput => {
    const own = { expected: off?.expected[input] ?? null, proven: off?.proven[input] ?? null };
    return metInput(written[input], own, { type, block }, arithmetic);
  };
  const q = meet(0, format?.queries ?? null, blocks?.keys ?? null);
  const k = meet(1, cached, blocks?.keys ?? null);
  const v = meet(2, cached, blocks?.values ?? null);
  const met: Met = {
    op,
    queries: q.values,
    cache: { keys: k.values, values: v.values },
    arithmetic: format === null ? arithmetic : within(arithmetic, format),
    slack: [q.slack, k.slack, v.slack],
    off: {
      expected: [q.off.expected, k.off.expected, v.off.expected],
      proven: [q.off.proven, k.off.proven, v.off.proven],
    },
  };
  if (format === null) return withoutRounding(met);
  const { scores, probabilities, accumulator } = format;
  const isRounding = [scores, probabilities, accumulator].some((type) => roundingTo(type) !== null);
  const should = isRounding ? withRounding(met, format) : withoutRounding(met);
  return stored(blocks === null ? should : turnedBack(should, blocks.values, met.arithmetic), arithmetic);
}

/** A product of float32, rounded once. */
function scaledQueries(
  scale: number,
  { written: [q, k, v], off }: AttentionInputs,
): Pick<AttentionInputs, 'written' | 'off'> {
  const by = Math.fround(scale);
  const offBy = ([offQ, offK, offV]: OfInputs<Off>): OfInputs<Off> => [
    offQ && offQ.map((d, i) => Math.abs(by) * d + 2 * UNIT_F32 * Math.abs(by * (q[i] ?? 0))),
    offK,
    offV,
  ];
  return {
    written: [q.map((value) => Math.fround(value * by)), k, v],
    ...(off && { off: { expected: offBy(off.expected), proven: offBy(off.proven) } }),
  };
}

function withoutRounding({ op, queries, cache, arithmetic, slack, off }: Met): OpReference {
  const reference = attention(op, queries, cache.keys, cache.values);
  const budget = attentionBudget(op, queries, cache, reference, arithmetic);
  const carried = (by: OfInputs<Off>): Off => (isExact(by) ? null : carryThroughAttention(op, queries, cache, by));
  return {
    ...budget,
    slack: carried(slack),
    expected: sumOf(budget.expected, carried(off.expected)),
    proven: sumOf(budget.proven, carried(off.proven)),
  };
}

function withRounding(met: Met, format: AttentionFormat): OpReference {
  const { op, queries: q, cache, arithmetic } = met;
  const [reference, slack] = [new Float64Array(q.length), new Float64Array(q.length)];
  const [expected, proven] = [new Float64Array(q.length), new Float64Array(q.length)];
  const leewayIn = (tier: Tier): Leeway => leewayOf(tier, arithmetic, format, openInputs(met, tier));
  const [usually, atWorst] = [leewayIn('expected'), leewayIn('proven')];
  forEachHead(op, q, cache, (head) => {
    const run = { op, format, q, cache, head, products: productsOf(op, q, cache, head) };
    const [usual, worst] = [mixedHead(run, usually), mixedHead(run, atWorst)];
    for (let c = 0; c < op.headDim; c += 1) {
      const [lo, hi] = [usual.lo[c] ?? Number.NaN, usual.hi[c] ?? Number.NaN];
      const beyond = Math.max(0, (worst.hi[c] ?? Number.NaN) - hi, lo - (worst.lo[c] ?? Number.NaN));
      reference[head.at + c] = (lo + hi) / 2;
      slack[head.at + c] = (hi - lo) / 2;
      expected[head.at + c] = usual.error[c] ?? Number.NaN;
      proven[head.at + c] = beyond + (worst.error[c] ?? Number.NaN);
    }
  });
  return { reference, expected, proven, magnitude: null, slack };
}

function openInputs({ queries, cache, slack, off }: Met, tier: Tier): Leeway['off'] {
  if (isExact(slack) && isExact(off[tier])) return null;
  const [q, k, v] = slack.map((ties, i) => eitherOf(ties, off[tier][i] ?? null));
  return {
    q: q ?? new Float64Array(queries.length),
    k: k ?? new Float64Array(cache.keys.length),
    v: v ?? new Float64Array(cache.values.length),
  };
}

/** Float32 arithmetic within the op, whatever its result is stored in. */
function within(arithmetic: Arithmetic, { divides, expMaxUlp }: AttentionFormat): Arithmetic {
  const { sumUnit, tiny, positionDepth } = arithmetic;
  const expUnits = expMaxUlp === undefined ? arithmetic.expUnits : (): number => 2 * expMaxUlp;
  return {
    ...arithmetic,
    unit: sumUnit,
    tiny: Math.min(tiny, SMALLEST_NORMAL_F32),
    expUnits,
    // Every key may bring a new largest score, by whose power the sums so far are multiplied.
    positionDepth: divides === 'first' ? positionDepth : (n) => positionDepth(n) + n * (1 + expUnits(0)),
  };
}

function turnedBack(
  { reference, expected, proven, slack }: OpReference,
  block: number,
  arithmetic: Arithmetic,
): OpReference {
  const magnitude = turnedSizes(reference, block);
  const tier = (name: Tier, budget: Float64Array): Float64Array => {
    const error = turningError(name, block, arithmetic);
    return turnedSizes(budget, block).map((off, i) => off + error * (magnitude[i] ?? Number.NaN));
  };
  return {
    reference: turned(reference, block),
    expected: tier('expected', expected),
    proven: tier('proven', proven),
    magnitude: null,
    slack: slack ? turnedSizes(slack, block) : null,
  };
}

function stored(should: OpReference, { unit, sumUnit, tiny }: Arithmetic): OpReference {
  if (unit === sumUnit) return should;
  const store = should.reference.map((y, i) => unit * (Math.abs(y) + (should.slack?.[i] ?? 0)) + tiny);
  return { ...should, expected: sumOf(should.expected, store), proven: sumOf(should.proven, store) };
}

function isExact(off: OfInputs<Off>): boolean {
  return off.every((of) => of === null);
}

function sumOf(a: Float64Array, b: Off): Float64Array {
  return eitherOf(a, b) ?? a;
}
