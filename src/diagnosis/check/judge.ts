// The local check: every op in float64 on the engine's own captured inputs, so that nothing accumulates and the first
// op over its budget is itself faulty; ops between values that the engine does not show are judged as one. Values come
// in the order of the program, chunk by chunk, are judged when they come and dropped after their last reader. Beside it
// the free runs that split the global difference.
import { operands, type Op, type Program, type ValueId } from '../../engine/program/program.ts';
import type { FloatArray, Tap, WeightSource } from '../../engine/program/executor.ts';
import type { DeclaredFormats } from '../../engine/program/numeric-profile.ts';
import type { OpReference } from '../ops/judgement.ts';
import { hasFormats, Lane, weightTypesOf, type Chunk } from '../reference/lane.ts';
import { opReference, stepFree } from '../reference/op-reference.ts';
import { FormatSearch, type FormatChoice, type InferredFormat, type OpShape } from './formats.ts';
import { OpTally, type OpFindings } from './op-tally.ts';
import { planOf, type JudgePlan, type JudgeStep } from './plan.ts';
import { SplitTally, type Split } from './split.ts';
import { statusOfDrawn, stretchReference, widerOf, type Stretch } from './stretch.ts';

export interface JudgeOptions {
  /** The judge's own: from a source that a fault under test has not touched. */
  program: Program;
  weights: WeightSource;
  /** All of the run, from position 0. */
  tokens: readonly number[];
  formats: DeclaredFormats;
  /** Runs the program freely too, for the global columns. */
  hasFreeRun: boolean;
  /** Weights before quantisation, of the same program; null: there are none. */
  original: WeightSource | null;
  /** Absent: the engine shows every value. */
  isShown?: (value: ValueId) => boolean;
  onProgress?: (op: Op, index: number, count: number) => void;
}

export interface OpResult extends OpFindings {
  /** null without a free run. */
  split: Split | null;
  /** null: this op was judged by itself. */
  stretch: Stretch | null;
  /** The format that explains it, where that was found out. */
  format: string | null;
}

interface OpenOp {
  tally: OpTally;
  split: SplitTally | null;
  stretch: Stretch | null;
  format: string | null;
}

export class Judge {
  /** Give this to the run. */
  readonly tap: Tap<FloatArray>;
  readonly #options: JudgeOptions;
  readonly #plan: JudgePlan;
  readonly #formats: FormatSearch;
  readonly #indices: ReadonlyMap<ValueId, number>;
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
  readonly #free: readonly Lane[];
  /** The op that the free runs take next in this chunk. */
  #freeAt = 0;

  constructor(options: JudgeOptions) {
    const { program, weights, formats, original, hasFreeRun, isShown = () => true } = options;
    this.#options = options;
    this.#plan = planOf(program, isShown);
    this.#formats = new FormatSearch(formats);
    this.#indices = new Map(program.ops.map((op, index) => [op.out, index]));
    this.#lastReads = new Map(program.ops.flatMap((op, index) => operands(op).reads.map((id) => [id, index] as const)));
    this.#widths = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
    this.#layers = new Map(program.values.map(({ id, layer }) => [id, layer]));
    this.#headDims = headDims(program);
    const { profile, undeclared } = formats;
    this.#captured = new Lane(weights, profile);
    this.#r = hasFreeRun ? new Lane(weights, null) : null;
    const isEmulated = undeclared.length > 0 || hasFormats(profile, weightTypesOf(program, weights));
    this.#s = hasFreeRun && isEmulated ? new Lane(weights, profile) : null;
    this.#o = hasFreeRun && original !== null ? new Lane(original, null) : null;
    this.#free = [this.#r, this.#s, this.#o].filter((lane) => lane !== null);
    this.tap = {
      values: new Set(this.#plan.steps.keys()),
      onValue: (value, data, firstPosition) => this.judge(value, data, firstPosition),
    };
  }

  /** One value of one chunk; those before it that are shown have been given. */
  async judge(value: ValueId, data: FloatArray, firstPosition: number): Promise<void> {
    const { program, tokens, onProgress } = this.#options;
    const index = this.#indices.get(value);
    const step = this.#plan.steps.get(value);
    const width = this.#widths.get(value);
    if (index === undefined || step === undefined || width === undefined) {
      throw new RangeError(`the program does not write ${value}`);
    }
    onProgress?.(step.last, index, program.ops.length);
    const end = firstPosition + data.length / width;
    const isLast = end === tokens.length;
    const chunk = { tokens: tokens.slice(firstPosition, end), firstPosition, isLast, contextLength: tokens.length };
    if (index < this.#freeAt) this.#freeAt = 0;
    await this.#advanceFree(index, chunk);
    const isStretch = step.ops.length > 1;
    if (isStretch) await this.#advanceFree(index + 1, chunk);
    const found = await this.#explain(step, chunk, data);
    this.#freeAt = index + 1;
    if (found !== null) {
      const open = this.#open.get(index) ?? this.#begin(step);
      this.#open.set(index, open);
      open.tally.add(data, found.should, firstPosition);
      open.stretch = widerOf(open.stretch, found.stretch);
      open.format = found.choice.text ?? open.format;
      this.#addSplit(open, value, data);
    }
    this.#captured.set(value, Float64Array.from(data));
    this.#forget(index, isLast ? program.ops[index] : undefined);
  }

  /** A value that later ops read and that is not judged itself. */
  give(value: ValueId, data: FloatArray): void {
    this.#captured.set(value, Float64Array.from(data));
  }

  /** In program order; ops that never came are missing. */
  finish(): OpResult[] {
    return [...this.#open]
      .toSorted(([a], [b]) => a - b)
      .map(([, { tally, split, stretch, format }]) => ({
        ...withStretch(tally.finish(), stretch),
        split: split?.finish() ?? null,
        stretch,
        format,
      }));
  }

  /** What was found out of the engine's formats. */
  formats(): InferredFormat[] {
    return this.#formats.finish();
  }

  /**
   * By the first format that explains the step; where none does, by the one that its kind has elsewhere, or that comes
   * nearest.
   */
  async #explain(step: JudgeStep, chunk: Chunk, data: FloatArray): Promise<Explained | null> {
    const { last, ops } = step;
    const shape = this.#shapeOf(last, chunk);
    const choices = ops.length === 1 ? this.#formats.choices(last, shape) : this.#stretchChoices(ops, chunk);
    let best: { explained: Explained; rms: number } | null = null;
    for (const [i, choice] of choices.entries()) {
      const explained = await this.#reference(step, chunk, choice, { data, isFirst: i === 0 });
      if (explained === null || choices.length === 1) return explained;
      const tally = this.#tally(step);
      tally.add(data, explained.should, chunk.firstPosition);
      const { status, rms, nonFiniteMismatches } = withStretch(tally.finish(), explained.stretch);
      if (status === 'healthy') {
        // Of a stretch, whose bound is wide, more than one format may be within it.
        if (ops.length === 1) this.#formats.settle(last, shape, choice);
        return explained;
      }
      const isUsual = i === 0 && this.#formats.isSettled(last, shape);
      const far = isUsual ? 0 : nonFiniteMismatches > 0 || Number.isNaN(rms) ? Infinity : rms;
      if (best === null || far < best.rms) best = { explained, rms: far };
    }
    return best?.explained ?? null;
  }

  /** What is known, then the other formats of one op of the stretch at a time. */
  #stretchChoices(ops: readonly Op[], chunk: Chunk): FormatChoice[] {
    const open = ops.filter((op) => this.#formats.partOf(op) !== null);
    return [this.#formats.known, ...open.flatMap((op) => this.#formats.choices(op, this.#shapeOf(op, chunk)))];
  }

  async #reference(
    step: JudgeStep,
    chunk: Chunk,
    choice: FormatChoice,
    { data, isFirst }: { data: FloatArray; isFirst: boolean },
  ): Promise<Explained | null> {
    const { arithmetic } = choice;
    const context = { arithmetic, widths: this.#widths };
    this.#captured.formats = arithmetic;
    if (this.#s !== null) this.#s.formats = arithmetic;
    if (step.ops.length > 1) {
      const found = await stretchReference(step, this.#captured, chunk, context);
      if (found === null) return null;
      return { should: found.should, stretch: { ...found.stretch, drawn: await found.drawn(data) }, choice };
    }
    // The free runs take their step beside the first choice; the emulated one again with every other.
    const free = isFirst ? this.#free : this.#free.filter((lane) => lane === this.#s);
    const should = await opReference(step.last, chunk, { ...context, captured: this.#captured, free });
    return { should, stretch: null, choice };
  }

  #shapeOf(op: Op, { tokens, firstPosition }: Chunk): OpShape {
    const weightType = 'weight' in op ? this.#options.weights.info(op.weight)?.type : undefined;
    return {
      weightType,
      columnCount: op.op === 'attention' ? op.headDim : 'in' in op ? (this.#widths.get(op.in) ?? 0) : 0,
      rowCount: tokens.length,
      positionCount: firstPosition + tokens.length,
    };
  }

  /** The free runs up to an op, which is not taken. */
  async #advanceFree(index: number, chunk: Chunk): Promise<void> {
    const { ops } = this.#options.program;
    for (; this.#freeAt < index; this.#freeAt += 1) {
      const op = ops[this.#freeAt];
      if (op === undefined || this.#free.length === 0) continue;
      await stepFree(op, chunk, { widths: this.#widths, free: this.#free });
    }
  }

  #begin(step: JudgeStep): OpenOp {
    const split = this.#r === null ? null : new SplitTally(this.#o !== null);
    return { tally: this.#tally(step), split, stretch: null, format: null };
  }

  #tally({ last, ops }: JudgeStep): OpTally {
    const { out } = last;
    return new OpTally(last, {
      layer: this.#layers.get(out) ?? null,
      width: this.#widths.get(out) ?? 0,
      headDim: this.#headDims.get(out) ?? null,
      arithmetic: this.#formats.known.arithmetic,
      isFused: ops.length > 1,
    });
  }

  /** What no step after this op reads. @param finished an op whose sequence is complete */
  #forget(index: number, finished: Op | undefined): void {
    this.#captured.keep((id) => (this.#plan.lastReads.get(id) ?? -1) > index);
    for (const lane of this.#free) lane.keep((id) => (this.#lastReads.get(id) ?? -1) > index);
    if (finished?.op === 'attention') for (const lane of [this.#captured, ...this.#free]) lane.release(finished);
  }

  #addSplit({ split }: OpenOp, value: ValueId, data: FloatArray): void {
    const r = this.#r?.get(value);
    if (split === null || r === undefined) return;
    split.add(data, this.#s?.get(value) ?? r, r, this.#o?.get(value) ?? null);
  }
}

interface Explained {
  should: OpReference;
  stretch: Stretch | null;
  choice: FormatChoice;
}

const STATUSES = ['healthy', 'suspect', 'faulty'] as const;

/** The worse of what the bound says and what the draws say. */
function withStretch(findings: OpFindings, stretch: Stretch | null): OpFindings {
  const both = [findings.status, statusOfDrawn(stretch?.drawn ?? null)];
  return { ...findings, status: STATUSES.findLast((status) => both.includes(status)) ?? 'faulty' };
}

/** Values that are made of heads: what ops with heads read and write. */
function headDims({ ops }: Program): Map<ValueId, number> {
  const dims = new Map<ValueId, number>();
  for (const op of ops) {
    if ('headDim' in op) for (const id of [...operands(op).reads, op.out]) dims.set(id, op.headDim);
  }
  return dims;
}
