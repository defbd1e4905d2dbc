// How far two engines may part by what they declare: the exact run of the model's own bytes in float64, and beside it
// draws of each side's declared roundings (sample-lane.ts), handed on position by position. Slow on purpose: each draw
// is a forward pass in double; a weight is decoded once for all.
import { pause } from '../../engine/program/pause.ts';
import { operands, type Op, type Program, type ValueId } from '../../engine/program/program.ts';
import type { NumericProfile } from '../../engine/program/numeric-profile.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import { UNIT_F32 } from '../ops/constants.ts';
import { arithmeticOf, type Arithmetic } from '../reference/arithmetic.ts';
import { hasFormats, Lane, weightTypesOf, type Chunk } from '../reference/lane.ts';
import { opReference } from '../reference/op-reference.ts';
import { SampleLane } from './sample-lane.ts';

export interface SpreadOptions {
  program: Program;
  weights: WeightSource;
  /** Of the run, from position 0. */
  tokens: readonly number[];
  /** Only the last so many positions are handed on. */
  rowCount: number;
  /** One of theirs holds; each has draws of its own. */
  profiles: { ours: NumericProfile; theirs: readonly NumericProfile[] };
  /** Stops the draws within a step. */
  signal?: AbortSignal | undefined;
  onProgress?: (op: Op, index: number, count: number) => void;
}

/** Logits of one position, with one profile of theirs. */
export interface SpreadRow {
  position: number;
  exact: Float64Array;
  ours: Float64Array[];
  theirs: Float64Array[];
}

/**
 * Rounded activations are drawn as large as they are. Where only ops round, a draw is pushed by whole budgets, of
 * which a healthy engine spends 0.58 at most and 0.2 in sums (expectedGroupRms), so that half as many draws reach as
 * far.
 */
const DRAWS = { formats: 8, rounding: 4 };

/** Logits that are held at once, of all draws together: 256 MiB. */
const MAX_HELD_LOGITS = 2 ** 25;

/** @param onRows is given a row for each profile of theirs, position by position */
export async function spreadRows(options: SpreadOptions, onRows: (rows: readonly SpreadRow[]) => void): Promise<void> {
  const { program, weights, tokens, rowCount, profiles } = options;
  const weightTypes = weightTypesOf(program, weights);
  const sides = [profiles.ours, ...profiles.theirs].map((profile, side): Side => {
    const length = hasFormats(profile, weightTypes) ? DRAWS.formats : DRAWS.rounding;
    const lane = (_: unknown, i: number): SampleLane => new SampleLane(weights, profile, 1 + side * DRAWS.formats + i);
    return { arithmetic: arithmeticOf(profile), lanes: Array.from({ length }, lane) };
  });
  const all = sides.flatMap(({ lanes }) => lanes);
  const exact = new Lane(weights, null);
  const run = new Run(options, exact, sides);
  const { ops } = program;
  const tailAt = ops.findLastIndex(({ op }) => op === 'attention') + 1;
  const whole = { isLast: true, contextLength: tokens.length };
  for (let i = 0; i < tailAt; i += 1) await run.step(i, { ...whole, tokens, firstPosition: 0 });
  // No position of what follows reads another one: it goes on in blocks, because a vocabulary is wide.
  const kept = [exact, ...all].map((lane) => ({ lane, values: run.wideValues(lane, tailAt) }));
  const block = Math.max(1, Math.floor(MAX_HELD_LOGITS / (program.vocabSize * kept.length)));
  for (let first = tokens.length - rowCount; first < tokens.length; first += block) {
    const end = Math.min(first + block, tokens.length);
    for (const { lane, values } of kept) {
      for (const [id, { data, width }] of values) lane.set(id, data.slice(first * width, end * width));
    }
    const chunk: Chunk = { ...whole, tokens: tokens.slice(first, end), firstPosition: first };
    for (let i = tailAt; i < ops.length; i += 1) await run.step(i, chunk);
    handOn(program, exact, sides, first, end, onRows);
  }
}

/** Ours first. */
interface Side {
  arithmetic: Arithmetic;
  lanes: readonly SampleLane[];
}

class Run {
  readonly #options: SpreadOptions;
  readonly #exact: Lane;
  readonly #sides: readonly Side[];
  readonly #widths: ReadonlyMap<ValueId, number>;
  readonly #lastReads: ReadonlyMap<ValueId, number>;

  constructor(options: SpreadOptions, exact: Lane, sides: readonly Side[]) {
    const { program } = options;
    this.#options = options;
    this.#exact = exact;
    this.#sides = sides;
    this.#widths = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
    this.#lastReads = new Map(program.ops.flatMap((op, i) => operands(op).reads.map((id) => [id, i] as const)));
  }

  /** One op for the exact run and every draw; the budgets are those of the exact run's inputs. */
  async step(index: number, chunk: Chunk): Promise<void> {
    const { program, signal, onProgress } = this.#options;
    const op = program.ops[index];
    if (op === undefined) throw new RangeError(`there is no op ${index}`);
    onProgress?.(op, index, program.ops.length);
    await pause(signal);
    const all = this.#sides.flatMap(({ lanes }) => lanes);
    const context = { widths: this.#widths, captured: this.#exact };
    let exact: Float64Array = new Float64Array(0);
    for (const [i, { arithmetic, lanes }] of this.#sides.entries()) {
      // All draws take their step with the first side, so that a weight is decoded once for them.
      const { reference, expected } = await opReference(op, chunk, {
        ...context,
        arithmetic,
        free: i === 0 ? all : [],
      });
      exact = reference;
      for (const lane of lanes) {
        const data = lane.get(op.out);
        if (data === undefined) throw new RangeError(`${op.out} was not computed`);
        lane.push(data, (i) => expected[i] ?? Number.NaN);
        // Either side hands its logits over as float32.
        if (op.out === program.logits) lane.push(data, (i) => UNIT_F32 * Math.abs(data[i] ?? Number.NaN));
      }
    }
    this.#exact.set(op.out, exact);
    if (op.op === 'attention' && chunk.isLast) for (const lane of [this.#exact, ...all]) lane.release(op);
    const isLive = (id: ValueId): boolean => id === program.logits || (this.#lastReads.get(id) ?? -1) > index;
    for (const lane of [this.#exact, ...all]) lane.keep(isLive);
  }

  /** What ops from `index` on read of those before. */
  wideValues(lane: Lane, index: number): Map<ValueId, { data: Float64Array; width: number }> {
    const values = new Map<ValueId, { data: Float64Array; width: number }>();
    for (const id of this.#widths.keys()) {
      const data = lane.get(id);
      const width = this.#widths.get(id);
      if (data === undefined || width === undefined || (this.#lastReads.get(id) ?? -1) < index) continue;
      values.set(id, { data, width });
    }
    return values;
  }
}

function handOn(
  { logits, vocabSize }: Program,
  exact: Lane,
  [ours, ...theirs]: readonly Side[],
  first: number,
  end: number,
  onRows: (rows: readonly SpreadRow[]) => void,
): void {
  for (let position = first; position < end; position += 1) {
    const start = (position - first) * vocabSize;
    const rowOf = (lane: Lane): Float64Array =>
      (lane.get(logits) ?? new Float64Array(0)).subarray(start, start + vocabSize);
    const own = { position, exact: rowOf(exact), ours: (ours?.lanes ?? []).map(rowOf) };
    onRows(theirs.map(({ lanes }) => ({ ...own, theirs: lanes.map(rowOf) })));
  }
}
