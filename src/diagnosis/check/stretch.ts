// A stretch of ops that must be judged as one, because a value between them is not shown: in float64 from the values
// before it, with the bound that the bounds of its ops make, each carried through the ops after it, element by element.
// Nothing is sampled.
import type { ValueId } from '../../engine/program/program.ts';
import type { OpReference } from '../ops/judgement.ts';
import { Lane, type Chunk } from '../reference/lane.ts';
import { isCarried, opReference, type Deviation } from '../reference/op-reference.ts';
import type { Arithmetic } from '../reference/arithmetic.ts';
import type { JudgeStep } from './plan.ts';

/** A stretch of ops between two shown values, judged as one because a value between them is missing. */
export interface Stretch {
  after: string;
  upTo: string;
  ops: string[];
  /**
   * The bound of its result over that of the widest of its ops by itself, each relative to its own values: what a
   * small fault may hide in.
   */
  width: number;
  /** The captures that would settle which op it is, the most telling first. */
  wanted: string[];
  /** The values that the ops of the stretch write. */
  covers: string[];
}

/** A stretch that is no wider than so many times a single op counts as judged. */
export const JUDGED_WIDTH = 8;

/** null: nothing bounds what a fault of one op does to the result, or the sequence is not whole. */
export async function stretchReference(
  { ops, last, reads }: JudgeStep,
  captured: Lane,
  chunk: Chunk,
  context: { arithmetic: Arithmetic; widths: ReadonlyMap<ValueId, number> },
): Promise<{ should: OpReference; stretch: Stretch } | null> {
  const isWhole = chunk.firstPosition === 0 && chunk.isLast;
  const [first, ...others] = ops;
  if (!others.every(isCarried) || (ops.some(({ op }) => op === 'attention') && !isWhole)) return null;
  const lane = new Lane(captured.weights, captured.formats);
  for (const id of reads) lane.set(id, captured.get(id) ?? new Float64Array(0));
  const deviations = new Map<ValueId, Deviation>();
  let should: OpReference | null = null;
  let widest = 0;
  for (const op of [first, ...others]) {
    const alone = await opReference(op, chunk, { ...context, captured: lane, free: [], deviations });
    widest = Math.max(widest, relativeSize(alone.own ?? alone.expected, alone.reference));
    lane.set(op.out, alone.reference);
    deviations.set(op.out, alone);
    should = alone;
  }
  if (should === null) throw new RangeError('a stretch without ops');
  const missing = ops.filter((op) => op !== last).map(({ out }) => out);
  const stretch: Stretch = {
    after: reads.at(-1) ?? 'tokens',
    upTo: last.out,
    ops: ops.map(({ op }) => op),
    width: relativeSize(should.expected, should.reference) / widest,
    wanted: middleFirst(missing).slice(0, 3),
    covers: ops.map(({ out }) => out),
  };
  return { should, stretch };
}

/** Root mean square of the bound over that of the values. */
function relativeSize(bound: Float64Array, values: Float64Array): number {
  const squares = (of: Float64Array): number => of.reduce((sum, value) => sum + value * value, 0);
  return Math.sqrt(squares(bound) / squares(values));
}

/** The one in the middle halves the stretch. */
function middleFirst<T>(items: readonly T[]): T[] {
  const middle = (items.length - 1) / 2;
  return items
    .map((item, i) => ({ item, from: Math.abs(i - middle) }))
    .toSorted((a, b) => a.from - b.from)
    .map(({ item }) => item);
}
