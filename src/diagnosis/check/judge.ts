// The local check: every op in float64 on the engine's own captured inputs, so that nothing accumulates and the first
// op over its budget is itself faulty. Values come in the order of the program, chunk by chunk, are judged when they
// come and dropped after their last reader. Beside it the free runs that split the global difference.
import { operands, type Op, type Program, type ValueId } from '../../engine/program/program.ts';
import type { FloatArray, Tap, WeightSource } from '../../engine/program/executor.ts';
import type { Arithmetic } from '../reference/arithmetic.ts';
import { hasFormats, Lane, weightTypesOf } from '../reference/lane.ts';
import { opReference } from '../reference/op-reference.ts';
import { OpTally, type OpFindings } from './op-tally.ts';
import { SplitTally, type Split } from './split.ts';

export interface JudgeOptions {
  /** The judge's own: from a source that a fault under test has not touched. */
  program: Program;
  weights: WeightSource;
  /** All of the run, from position 0. */
  tokens: readonly number[];
  arithmetic: Arithmetic;
  /** Runs the program freely too, for the global columns. */
  hasFreeRun: boolean;
  /** Weights before quantisation, of the same program; null: there are none. */
  original: WeightSource | null;
  onProgress?: (op: Op, index: number, count: number) => void;
}

export interface OpResult extends OpFindings {
  /** null without a free run. */
  split: Split | null;
}

interface OpenOp {
  tally: OpTally;
  split: SplitTally | null;
}

export class Judge {
  /** Give this to the run. */
  readonly tap: Tap<FloatArray>;
  readonly #options: JudgeOptions;
  readonly #writers: ReadonlyMap<ValueId, number>;
  readonly #lastReads: ReadonlyMap<ValueId, number>;
  readonly #widths: ReadonlyMap<ValueId, number>;
  readonly #layers: ReadonlyMap<ValueId, number | null>;
  readonly #headDims: ReadonlyMap<ValueId, number>;
  readonly #open = new Map<number, OpenOp>();
  /** The engine's own values, and the free runs. */
  readonly #captured: Lane;
  readonly #r: Lane | null;
  readonly #s: Lane | null;
  readonly #o: Lane | null;

  constructor(options: JudgeOptions) {
    const { program, weights, arithmetic, original, hasFreeRun } = options;
    this.#options = options;
    this.#writers = new Map(program.ops.map((op, index) => [op.out, index]));
    this.#lastReads = new Map(program.ops.flatMap((op, index) => operands(op).reads.map((id) => [id, index] as const)));
    this.#widths = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
    this.#layers = new Map(program.values.map(({ id, layer }) => [id, layer]));
    this.#headDims = headDims(program);
    this.#captured = new Lane(weights, arithmetic);
    this.#r = hasFreeRun ? new Lane(weights, null) : null;
    const isEmulated = hasFreeRun && hasFormats(arithmetic, weightTypesOf(program, weights));
    this.#s = isEmulated ? new Lane(weights, arithmetic) : null;
    this.#o = hasFreeRun && original !== null ? new Lane(original, null) : null;
    this.tap = {
      values: new Set(program.ops.map(({ out }) => out)),
      onValue: (value, data, firstPosition) => this.judge(value, data, firstPosition),
    };
  }

  /** One value of one chunk; its op's inputs have been given before. */
  async judge(value: ValueId, data: FloatArray, firstPosition: number): Promise<void> {
    const { program, tokens, arithmetic, onProgress } = this.#options;
    const index = this.#writers.get(value);
    const op = program.ops[index ?? -1];
    const width = this.#widths.get(value);
    if (index === undefined || op === undefined || width === undefined) {
      throw new RangeError(`the program does not write ${value}`);
    }
    onProgress?.(op, index, program.ops.length);
    const end = firstPosition + data.length / width;
    const isLast = end === tokens.length;
    const chunk = { tokens: tokens.slice(firstPosition, end), firstPosition, isLast, contextLength: tokens.length };
    const should = await opReference(op, chunk, {
      arithmetic,
      widths: this.#widths,
      captured: this.#captured,
      free: [this.#r, this.#s, this.#o].filter((lane) => lane !== null),
    });
    const open = this.#open.get(index) ?? this.#begin(op, width, arithmetic.largest);
    this.#open.set(index, open);
    open.tally.add(data, should, firstPosition);
    this.#captured.set(value, Float64Array.from(data));
    this.#addSplit(open, value, data);
    this.#forget(index);
  }

  /** A value that later ops read and that is not judged itself. */
  give(value: ValueId, data: FloatArray): void {
    this.#captured.set(value, Float64Array.from(data));
    this.#forget(this.#writers.get(value) ?? -1);
  }

  /** In program order; ops that never came are missing. */
  finish(): OpResult[] {
    return [...this.#open]
      .toSorted(([a], [b]) => a - b)
      .map(([, { tally, split }]) => ({ ...tally.finish(), split: split?.finish() ?? null }));
  }

  #begin(op: Op, width: number, largest: number): OpenOp {
    const tally = new OpTally(op, this.#layers.get(op.out) ?? null, width, this.#headDims.get(op.out) ?? null, largest);
    return { tally, split: this.#r === null ? null : new SplitTally(this.#o !== null) };
  }

  /** What no op after this one reads. */
  #forget(index: number): void {
    for (const lane of [this.#captured, this.#r, this.#s, this.#o]) {
      lane?.keep((id) => (this.#lastReads.get(id) ?? -1) > index);
    }
  }

  #addSplit({ split }: OpenOp, value: ValueId, data: FloatArray): void {
    const r = this.#r?.get(value);
    if (split === null || r === undefined) return;
    split.add(data, this.#s?.get(value) ?? r, r, this.#o?.get(value) ?? null);
  }
}

/** Values that are made of heads: what ops with heads read and write. */
function headDims({ ops }: Program): Map<ValueId, number> {
  const dims = new Map<ValueId, number>();
  for (const op of ops) {
    if ('headDim' in op) for (const id of [...operands(op).reads, op.out]) dims.set(id, op.headDim);
  }
  return dims;
}
