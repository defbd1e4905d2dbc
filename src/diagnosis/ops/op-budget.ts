// The error that one op may make on given inputs, per element and in two tiers: `expected` (calibrated; above it is
// suspicious) and `proven` (a bound; above it the op is wrong). Every op but the matmul, which comes with its own loop,
// and attention, which has its own file. The reference itself is the oracle's formula.
import type { Op, RopeParameters } from '../../engine/program/program.ts';
import { ropeAttentionFactor } from '../../oracles/float64/ops/rope-frequencies.ts';
import { gamma, type Arithmetic } from '../reference/arithmetic.ts';
import { TANH_UNITS, UNIT_F64 } from './constants.ts';
import { routeBudget, slotSumBudget } from './moe-budget.ts';

/** What an op should have computed and how far off it may be; all are [rows, channels]. */
export interface OpReference {
  reference: Float64Array;
  expected: Float64Array;
  proven: Float64Array;
  /** Σ|w·x| of a matmul, for the condition number; null for other ops. */
  magnitude: Float64Array | null;
}

export type SimpleOp = Exclude<Op, { op: 'matmul' | 'attention' | 'expertMatmul' }>;

export interface BudgetInputs {
  arithmetic: Arithmetic;
  /** What the op read, in the order of its operands; rows as in the reference. */
  inputs: readonly Float64Array[];
  reference: Float64Array;
  rowCount: number;
  firstPosition: number;
  /** Of `rope`: angle per position of every pair. */
  frequencies?: Float64Array | null;
  /** Of `rmsnorm`: the weight, without the op's offset. */
  gain?: Float64Array | null;
  /** Of `embed` and `addBias`: the stored type decodes to float32 by a rounding. */
  isWeightRounded: boolean;
}

export function simpleBudget(op: SimpleOp, given: BudgetInputs): OpReference {
  const { reference, arithmetic } = given;
  const { unit, tiny, quotientUnits } = arithmetic;
  switch (op.op) {
    case 'embed':
      // A copy: bit for bit, but for the rounding of types whose exact value is no float32, and of a narrower store.
      return same(given, (i) => {
        const rounded = given.isWeightRounded || Math.fround(reference[i] ?? 0) !== reference[i] || unit > 2 ** -23;
        return rounded ? unit * Math.abs(reference[i] ?? 0) + tiny : 0;
      });
    case 'mul':
    case 'add':
      return same(given, (i) => unit * Math.abs(reference[i] ?? 0) + tiny);
    case 'addBias': {
      const [x] = given.inputs;
      return same(given, (i) => {
        const y = reference[i] ?? 0;
        const bias = given.isWeightRounded ? unit * Math.abs(y - (x?.[i] ?? 0)) : 0;
        return unit * Math.abs(y) + bias + tiny;
      });
    }
    case 'silu': {
      // x / (1 + t), t = e^−|x|: the exponential (all of it where x < 0, t/(1 + t) of it elsewhere), 1 + t, a product,
      // the quotient. An underflowing t is off by tiny, times |x|.
      const [x] = given.inputs;
      return same(given, (i) => {
        const [y, v] = [reference[i] ?? 0, x?.[i] ?? 0];
        const units = arithmetic.expUnits(v) + 2 + quotientUnits;
        return gamma(units, unit) * Math.abs(y) + tiny * (1 + 2 * Math.abs(v));
      });
    }
    case 'gelu': {
      // x·σ(2u), 2u = x(c + d·x²): a relative error of 5 roundings in 2u moves σ by (1 − σ)·|2u| of it; then as in silu.
      const [x] = given.inputs;
      return same(given, (i) => {
        const [y, v] = [reference[i] ?? 0, x?.[i] ?? 0];
        const twoU = Math.abs(v) * (1.5957691216057308 + 0.07135481627260025 * v * v);
        const share = v < 0 ? 1 : 1 / (1 + Math.exp(twoU));
        const units = arithmetic.expUnits(twoU) + 2 + quotientUnits + 5 * twoU * share;
        return gamma(units, unit) * Math.abs(y) + tiny * (1 + 2 * Math.abs(v));
      });
    }
    case 'scale':
      // The factor itself may be rounded to the engine's type.
      return same(given, (i) => gamma(2, unit) * Math.abs(reference[i] ?? 0) + tiny);
    case 'softcap':
      // cap·tanh(x/cap): |tanh'(z)·z| <= |tanh z|, so the quotient costs its own error; tanh by an exponential.
      return same(given, (i) => gamma(TANH_UNITS + quotientUnits + 2, unit) * Math.abs(reference[i] ?? 0) + tiny);
    case 'moeSelect':
      return same(given, () => 0);
    case 'moeRoute': {
      const [logits, experts] = given.inputs;
      return routeBudget(op, logits ?? reference, experts ?? reference, reference, given.rowCount, arithmetic);
    }
    case 'moeSum': {
      const [x, shares] = given.inputs;
      return slotSumBudget(x ?? reference, shares ?? reference, reference, given.rowCount, arithmetic);
    }
    case 'rmsnorm':
      return rmsnormBudget(op, given);
    case 'rope':
      return ropeBudget(op, given);
  }
}

/** Both tiers alike: a few roundings, whose bound is also what they reach. */
function same({ reference }: BudgetInputs, boundAt: (i: number) => number): OpReference {
  const proven = reference.map((_, i) => boundAt(i));
  return { reference, expected: proven, proven, magnitude: null };
}

/**
 * x · r · g with r = 1/√(mean + eps): half the relative error of the mean (its sum is of squares, so nothing cancels),
 * eps and its addition, root and reciprocal, two products. What x · r loses where it underflows is multiplied by g.
 */
function rmsnormBudget(
  { headCount = 1, gainOffset = 0 }: Extract<Op, { op: 'rmsnorm' }>,
  { reference, rowCount, arithmetic, gain }: BudgetInputs,
): OpReference {
  const { unit, sumUnit, tiny, rowDepth, expectedSum, inverseRootUnits } = arithmetic;
  const channelCount = reference.length / rowCount / headCount;
  const depth = rowDepth(channelCount);
  // The sum of gain and offset is rounded once.
  const others = inverseRootUnits + 2 + 1.5 + (gainOffset === 0 ? 0 : 1);
  const tier = (roundings: number): Float64Array => {
    const relative = gamma(roundings / 2, sumUnit) + gamma(others, unit);
    return reference.map((y, i) => {
      const g = (gain?.[i % channelCount] ?? Number.NaN) + gainOffset;
      return relative * Math.abs(y) + tiny * (1 + Math.abs(g));
    });
  };
  return {
    reference,
    expected: tier(Math.min(expectedSum(channelCount), depth)),
    proven: tier(depth),
    magnitude: null,
  };
}

/**
 * Two products and a sum over a table of cosines and sines; channels that are not rotated are copies. Multiplied by an
 * attention factor, all of it is; then the table is rounded at position 0 too, where the cosine is 1.
 */
function ropeBudget(op: Extract<Op, { op: 'rope' }>, given: BudgetInputs): OpReference {
  const { reference, inputs, arithmetic, frequencies, firstPosition } = given;
  const { unit, tiny, angle } = arithmetic;
  const { headCount, headDim } = op;
  const { rotaryDim, pairing } = op.rope;
  const factor = ropeAttentionFactor(op.rope);
  const relativeOfAngle = (i: number): number => angle.relative(i) + (4 + scalingUnits(op.rope)) * UNIT_F64;
  const [x] = inputs;
  const proven = new Float64Array(reference.length);
  for (let head = 0; head < reference.length / headDim; head += 1) {
    const position = firstPosition + Math.floor(head / headCount);
    for (let i = 0; i < rotaryDim / 2; i += 1) {
      const u = head * headDim + (pairing === 'norm' ? 2 * i : i);
      const v = u + (pairing === 'norm' ? 1 : rotaryDim / 2);
      const turn = position * (frequencies?.[i] ?? Number.NaN);
      const [xu, xv] = [Math.abs(x?.[u] ?? 0), Math.abs(x?.[v] ?? 0)];
      const [cos, sin] = [Math.abs(Math.cos(turn)), Math.abs(Math.sin(turn))];
      // What an angle that is off by d moves: d times the derivative of either output, |x| rotated by a quarter turn.
      const drift = Math.abs(turn) * relativeOfAngle(i);
      const table = position === 0 && factor === 1 ? 0 : angle.sincos;
      // One rounding more where the cosine is multiplied before it is stored.
      const each = (table + (factor === 1 ? 0 : UNIT_F64)) * (xu + xv);
      proven[u] = factor * (drift * (xu * sin + xv * cos) + each + gamma(2, unit) * (xu * cos + xv * sin)) + tiny;
      proven[v] = factor * (drift * (xu * cos + xv * sin) + each + gamma(2, unit) * (xu * sin + xv * cos)) + tiny;
    }
  }
  return { reference, expected: proven, proven, magnitude: null };
}

/** Relative error of a frequency in double, in units, beyond that of a power: what the rule of the scaling adds. */
function scalingUnits({ theta, rotaryDim, scaling }: RopeParameters): number {
  // theta grows by F·L/O − (F − 1): a difference of which at least 1 is left, to a power of 2 at most.
  if (scaling.type === 'dynamic') return 8 * Math.max(1, scaling.factor);
  if (scaling.type !== 'yarn') return 0;
  // A share (pair − low) / length of the ramp is off by the roundings of low and of the length, which are of the size of
  // rotaryDim at most; what is off of the share moves between f and f/F.
  const length = (rotaryDim * Math.log(scaling.betaFast / scaling.betaSlow)) / (2 * Math.log(theta));
  return (16 * rotaryDim * scaling.factor) / Math.min(1, Math.abs(length));
}
