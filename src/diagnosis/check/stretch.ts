// A stretch of ops that must be judged as one, because a value between them is not shown: in float64 from the values
// before it, with the bound that the bounds of its ops make, each carried through the ops after it, element by element.
// Of a long stretch that bound is so wide that a fault hides in it. Then the stretch is run again with every op's result
// pushed by its whole expected budget in random directions, and how far that carries the end is a second yardstick
// (Monte-Carlo arithmetic, as in TTrace): it can accuse, and never acquit.
import type { Op, ValueId } from '../../engine/program/program.ts';
import { RandomSource } from '../../engine/text/random-source.ts';
import type { OpReference } from '../ops/judgement.ts';
import { Lane, type Chunk } from '../reference/lane.ts';
import { isCarried, opReference, type Deviation } from '../reference/op-reference.ts';
import type { Arithmetic } from '../reference/arithmetic.ts';
import type { OpFindings } from './op-tally.ts';
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
  /** Of a wider one than counts as judged: distance from the reference over the farthest draw; null of others. */
  drawn: number | null;
  /** The captures that would settle which op it is, the most telling first. */
  wanted: string[];
  /** The values that the ops of the stretch write. */
  covers: string[];
}

/** A stretch that is no wider than so many times a single op counts as judged. */
export const JUDGED_WIDTH = 8;

/**
 * Distance from the reference over the largest of `RUNS` runs in which every op is off by its whole expected budget. A
 * healthy engine spends about a sixth of its budgets (root mean square e/B is 0.05 to 0.45, docs/budgets.md); 8 is past
 * what any directions of such errors made in the tests.
 */
const RUNS = 6;
const SUSPECT_RATIO = 1;
const BUG_RATIO = 8;

export interface StretchReference {
  should: OpReference;
  stretch: Stretch;
  /** What the engine wrote, by the second yardstick; null of a narrow stretch. */
  drawn(engine: ArrayLike<number>): Promise<number | null>;
}

/** null: of the positions that it attends to, some are of another chunk. */
export async function stretchReference(
  step: JudgeStep,
  captured: Lane,
  chunk: Chunk,
  context: { arithmetic: Arithmetic; widths: ReadonlyMap<ValueId, number> },
): Promise<StretchReference | null> {
  const { ops, last, reads } = step;
  const isWhole = chunk.firstPosition === 0 && chunk.isLast;
  if (ops.some(({ op }) => op === 'attention') && !isWhole) return null;
  const lane = new Lane(captured.weights, captured.formats);
  for (const id of reads) lane.set(id, captured.get(id) ?? new Float64Array(0));
  const isBounded = ops.every((op, i) => i === 0 || isCarried(op));
  const run = async (
    each: (op: Op, should: OpReference) => Float64Array,
    deviations: Deviations,
  ): Promise<OpReference> => {
    let should: OpReference | null = null;
    for (const op of ops) {
      should = await opReference(op, chunk, { ...context, captured: lane, free: [], deviations });
      lane.set(op.out, each(op, should));
    }
    if (should === null) throw new RangeError('a stretch without ops');
    return should;
  };
  const deviations = new Map<ValueId, Deviation>();
  let widest = 0;
  const should = await run((op, found) => {
    const alone = deviationOf({ ...found, expected: found.own ?? found.expected });
    widest = Math.max(widest, relativeSize(alone.expected, found.reference));
    if (isBounded) deviations.set(op.out, deviationOf(found));
    return found.reference;
  }, deviations);
  const nothing = should.reference.map(() => Infinity);
  const bounded = isBounded ? should : { ...should, expected: nothing, proven: nothing };
  const width = relativeSize(bounded.expected, should.reference) / widest;
  const missing = ops.filter((op) => op !== last).map(({ out }) => out);
  const stretch: Stretch = {
    after: reads.at(-1) ?? 'tokens',
    upTo: last.out,
    ops: ops.map(({ op }) => op),
    width,
    drawn: null,
    wanted: middleFirst(missing).slice(0, 3),
    covers: ops.map(({ out }) => out),
  };
  const drawn = async (engine: ArrayLike<number>): Promise<number | null> => {
    if (width <= JUDGED_WIDTH) return null;
    const rowWidth = context.widths.get(last.out) ?? 1;
    const yardstick = new Float64Array(should.reference.length / rowWidth);
    for (let seed = 1; seed <= RUNS; seed += 1) {
      const random = new RandomSource(seed);
      let end: Float64Array = should.reference;
      await run((_, found) => {
        const { expected } = deviationOf(found);
        end = found.reference.map((value, i) => value + (random.nextUint32() % 2 === 0 ? 1 : -1) * (expected[i] ?? 0));
        return end;
      }, new Map());
      for (const row of yardstick.keys()) {
        yardstick[row] = Math.max(yardstick[row] ?? 0, distance(end, should.reference, row, rowWidth));
      }
    }
    return yardstick.reduce((most, here, row) => {
      const away = distance(engine, should.reference, row, rowWidth);
      return Math.max(most, away === 0 ? 0 : away / here);
    }, 0);
  };
  return { should: bounded, stretch, drawn };
}

export function statusOfDrawn(drawn: number | null): OpFindings['status'] {
  if (drawn === null || drawn <= SUSPECT_RATIO) return 'healthy';
  return drawn <= BUG_RATIO ? 'suspect' : 'faulty';
}

/** Of the parts of a run, each judged by itself: the worse of either. */
export function widerOf(a: Stretch | null, b: Stretch | null): Stretch | null {
  if (a === null || b === null) return a ?? b;
  const drawn = a.drawn === null || b.drawn === null ? (a.drawn ?? b.drawn) : Math.max(a.drawn, b.drawn);
  return { ...a, width: Math.max(a.width, b.width), drawn };
}

type Deviations = Map<ValueId, Deviation>;

/** Whichever of several right results it is, it may be off by its budget. */
function deviationOf({ expected, proven, slack }: OpReference): Deviation {
  if (!slack) return { expected, proven };
  const widened = (tier: Float64Array): Float64Array => tier.map((budget, i) => budget + (slack[i] ?? Number.NaN));
  return { expected: widened(expected), proven: widened(proven) };
}

function distance(a: ArrayLike<number>, b: Float64Array, row: number, width: number): number {
  let sum = 0;
  for (let i = row * width; i < (row + 1) * width; i += 1) sum += ((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)) ** 2;
  return Math.sqrt(sum);
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
