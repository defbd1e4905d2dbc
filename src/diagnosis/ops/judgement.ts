// What is known about an op when an engine's result of it is judged: how far off it may be, and what a result that is
// further off means. One file per op says it; judgements.ts collects them. Types, and the budget of most ops.
import type { Op, OpName, ValueId } from '../../engine/program/program.ts';
import type { BugClass, Fault } from '../faults/fault.ts';
import type { Arithmetic } from '../reference/arithmetic.ts';

/** What an op should have computed and how far off it may be; all are [rows, channels]. */
export interface OpReference {
  reference: Float64Array;
  /** Calibrated: above it is suspicious. */
  expected: Float64Array;
  /** A bound: above it the op is wrong. */
  proven: Float64Array;
  /** Σ|w·x| of a product, for the condition number; null for other ops. */
  magnitude: Float64Array | null;
  /** Where several results are right: how far they are from the reference, their middle. That is no error. */
  slack?: Float64Array | null;
  /** Where inputs are off: the expected tier of the op alone. */
  own?: Float64Array;
}

/** What the op read and should have written. An op finds here what its formula needs, and `null` or nothing else. */
export interface BudgetInputs {
  arithmetic: Arithmetic;
  /** In the order of its operands; rows as in the reference. */
  inputs: readonly Float64Array[];
  /** The oracle's answer on these inputs. */
  reference: Float64Array;
  rowCount: number;
  firstPosition: number;
  /** The float32 weights of an engine are one rounding away from what is stored. */
  isWeightRounded: boolean;
  /** Of `rope`: angle per position of every pair. */
  frequencies?: Float64Array | null;
  /** Of `rmsnorm`: the weight, without the op's offset. */
  gain?: Float64Array | null;
  /** Of `attention`: [positions, kvHeadCount · headDim] from position 0, as stored. */
  cache?: { keys: Float64Array; values: Float64Array } | null;
  /** Of products: terms of one sum, their magnitudes, and Σ|w|·step of what a tie of a quantised input may move. */
  sums?: { length: number; magnitude: Float64Array; stepMagnitude: Float64Array | null } | null;
}

export interface OpJudgement<Judged extends Op = Op> {
  /** The error that it may make on given inputs, per element and in two tiers. */
  budget(op: Judged, given: BudgetInputs): OpReference;
  /**
   * How far the result may move where every input is off by at most its deviation (in the order of its operands; null:
   * it is exact). Per element, and a bound, not an estimate of first order. Products have none here: theirs is
   * Σ|w|·deviation, by their sums. Absent: a choice may flip, and nothing bounds what that does.
   */
  carry?(op: Judged, given: BudgetInputs, deviations: readonly (Float64Array | null)[]): Float64Array;
  /** What kind of bug sits where it is wrong; some ops are of several parts of a model. */
  bugClass: BugClass | ((value: ValueId) => BugClass);
  /**
   * Root mean square of e/B over a row, head, block or tail in healthy engines, B the expected budget: the largest of
   * 1.27e8 element checks (docs/budgets.md), rounded up. Uniform errors over ±u·|y| would give 0.58 = 1/√3.
   */
  expectedGroupRms: number;
  /** Its result is rounded once, so that its error is known in units of the last place. */
  isRoundedOnce?: true;
  /** One error reaches a whole row: a norm shares its root, a head of attention its softmax, a pair its angle. */
  sharesErrors?: true;
  /** Known bugs of its kernel. Those that a program or a weight can hold are in faults/. */
  faults: readonly Fault[];
}

export type JudgementOf<Name extends OpName> = OpJudgement<Extract<Op, { op: Name }>>;

/** How far each element of one operand is off; of what is exact 0. */
export function deviationOf(deviations: readonly (Float64Array | null)[], operand: number): (i: number) => number {
  const off = deviations[operand] ?? null;
  return off === null ? () => 0 : (i) => off[i] ?? Number.NaN;
}

/**
 * The carry of a function of one number that falls up to `valley` and rises from there: no input within the deviation
 * takes it further than one of the two ends does, or the valley between them.
 */
export function carryThrough(
  f: (x: Float64Array) => Float64Array,
  inputs: readonly Float64Array[],
  deviations: readonly (Float64Array | null)[],
  valley: number = -Infinity,
): Float64Array {
  const [x = new Float64Array(0)] = inputs;
  const off = deviationOf(deviations, 0);
  const y = f(x);
  const below = f(x.map((value, i) => value - off(i)));
  const above = f(x.map((value, i) => value + off(i)));
  const [least = Number.NaN] = f(Float64Array.of(valley));
  return y.map((value, i) => {
    const ends = Math.max(Math.abs((below[i] ?? 0) - value), Math.abs((above[i] ?? 0) - value));
    return Math.abs((x[i] ?? 0) - valley) < off(i) ? Math.max(ends, value - least) : ends;
  });
}

/** Both tiers alike: a few roundings, whose bound is also what they reach. */
export function oneTier({ reference }: Pick<BudgetInputs, 'reference'>, boundAt: (i: number) => number): OpReference {
  const proven = reference.map((_, i) => boundAt(i));
  return { reference, expected: proven, proven, magnitude: null };
}
