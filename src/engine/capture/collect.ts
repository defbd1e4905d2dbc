// From the values that an executor taps, chunk by chunk, to stages handed on piece by piece. Only what a stage cannot
// do without is held back: one chunk for a concatenation, q and k for the attention scores.
import { RefuteError } from '../../errors.ts';
import type { FloatArray, Tap } from '../program/executor.ts';
import type { Program, Stage, ValueId } from '../program/program.ts';
import { stageId } from '../program/stages.ts';
import { floatsLike } from './floats-like.ts';
import { attentionScores, attentionSoftmax } from './scores.ts';
import type { Positions } from './select.ts';
import type { CapturedStage, StageSink } from './sink.ts';

export interface CollectOptions<Data extends FloatArray = Float32Array> {
  program: Program;
  stages: readonly Stage[];
  /** Positions of the whole run, which starts at position 0. */
  positionCount: number;
  positions: Positions;
  sink: StageSink<Data>;
}

/** The values that these stages are made of. */
export function valuesOf(stages: readonly Stage[]): Set<ValueId> {
  return new Set(stages.flatMap(({ source }) => sourceValues(source)));
}

function sourceValues(source: Stage['source']): ValueId[] {
  switch (source.from) {
    case 'value':
      return [source.value];
    case 'concat':
      return source.values;
    case 'scores':
    case 'softmax':
      return [source.attention.q, source.attention.k];
  }
}

export class StageCollector<Data extends FloatArray = Float32Array> {
  /** Give this to the run. */
  readonly tap: Tap<Data>;
  readonly #options: CollectOptions<Data>;
  readonly #channels: ReadonlyMap<ValueId, number>;
  readonly #open: readonly OpenStage<Data>[];
  readonly #users: ReadonlyMap<ValueId, OpenStage<Data>[]>;
  /** Positions seen of each value. */
  readonly #seen = new Map<ValueId, number>();

  /** @throws RefuteError E_CAPTURE_VALUE where a stage names a value that the program does not have */
  constructor(options: CollectOptions<Data>) {
    this.#options = options;
    this.#channels = new Map(options.program.values.map(({ id, channelCount }) => [id, channelCount]));
    this.#open = options.stages.map((stage) => this.#plan(stage));
    this.#users = usersOf(this.#open);
    this.tap = {
      values: valuesOf(options.stages),
      onValue: (value, data, firstPosition) => this.#take(value, data, firstPosition),
    };
  }

  /** @throws RefuteError E_CAPTURE_INCOMPLETE where the run ended before every stage had all its positions */
  finish(): void {
    const missing = this.#open.filter(({ isDone }) => !isDone).map(({ to }) => to.id);
    if (missing.length === 0) return;
    throw captureError(
      'E_CAPTURE_INCOMPLETE',
      `${missing.length} stages did not get all ${this.#options.positionCount} positions, ${missing[0]} first`,
    );
  }

  #plan(stage: Stage): OpenStage<Data> {
    const { positionCount, positions } = this.#options;
    const rows = positions === 'all' ? positionCount : 1;
    const { source } = stage;
    const isScores = source.from === 'scores' || source.from === 'softmax';
    const width = isScores ? 0 : sourceValues(source).reduce((sum, value) => sum + this.#width(value), 0);
    const shape = isScores ? [source.attention.headCount, rows, positionCount] : [rows, width];
    const to: CapturedStage = { name: stage.name, layer: stage.layer, shape, id: stageId(stage) };
    return { source, to, held: new Map(), hasBegun: false, isDone: false };
  }

  #width(value: ValueId): number {
    const width = this.#channels.get(value);
    if (width === undefined) throw captureError('E_CAPTURE_VALUE', `the program has no value ${value}`);
    return width;
  }

  async #take(value: ValueId, data: Data, firstPosition: number): Promise<void> {
    const width = this.#width(value);
    const seen = this.#seen.get(value) ?? 0;
    if (firstPosition !== seen || data.length % width !== 0) {
      throw captureError('E_CAPTURE_ORDER', `${value} came at position ${firstPosition}, ${seen} was next`);
    }
    const end = seen + data.length / width;
    this.#seen.set(value, end);
    const isLast = end === this.#options.positionCount;
    for (const open of this.#users.get(value) ?? []) {
      if (open.source.from === 'scores' || open.source.from === 'softmax') await this.#feedScores(open, value, data);
      else await this.#feedRows(open, value, data, isLast);
    }
  }

  async #feedRows(open: OpenStage<Data>, value: ValueId, data: Data, isLast: boolean): Promise<void> {
    const isLastOnly = this.#options.positions === 'last';
    if (isLastOnly && !isLast) return;
    const rows = isLastOnly ? lastRow(data, this.#width(value)) : data;
    const values = sourceValues(open.source);
    open.held.set(value, [rows]);
    if (open.held.size < new Set(values).size) return;
    const parts = values.map((part) => ({ data: open.held.get(part)?.[0] ?? rows, width: this.#width(part) }));
    open.held.clear();
    await this.#emit(open, parts.length === 1 ? rows : interleave(data, parts), isLast);
  }

  /** Every key of every position is needed, and of the queries those of the captured positions. */
  async #feedScores(open: OpenStage<Data>, value: ValueId, data: Data): Promise<void> {
    const isLastQuery = this.#options.positions === 'last' && value === sourceValues(open.source)[0];
    const before = isLastQuery ? [] : (open.held.get(value) ?? []);
    open.held.set(value, [...before, isLastQuery ? lastRow(data, this.#width(value)) : data]);
    if (this.#isComplete(open)) await this.#emitScores(open, data);
  }

  /** Whether both q and k of a score stage have all positions. */
  #isComplete({ source }: OpenStage<Data>): boolean {
    return sourceValues(source).every((value) => this.#seen.get(value) === this.#options.positionCount);
  }

  async #emitScores(open: OpenStage<Data>, like: Data): Promise<void> {
    if (open.source.from !== 'scores' && open.source.from !== 'softmax') return;
    const { attention } = open.source;
    const q = joined(like, open.held.get(attention.q) ?? []);
    const k = joined(like, open.held.get(attention.k) ?? []);
    open.held.clear();
    const derive = open.source.from === 'scores' ? attentionScores : attentionSoftmax;
    for (let head = 0; head < attention.headCount; head += 1) {
      await this.#emit(open, derive(attention, head, q, k), head === attention.headCount - 1);
    }
  }

  async #emit(open: OpenStage<Data>, data: Data, isLast: boolean): Promise<void> {
    const { sink } = this.#options;
    if (!open.hasBegun) {
      open.hasBegun = true;
      await sink.begin(open.to);
    }
    await sink.append(open.to, data);
    if (!isLast) return;
    await sink.end(open.to);
    open.isDone = true;
  }
}

/** A stage on its way. */
interface OpenStage<Data extends FloatArray> {
  source: Stage['source'];
  to: CapturedStage;
  /** Pieces that wait for others. */
  held: Map<ValueId, Data[]>;
  hasBegun: boolean;
  isDone: boolean;
}

function usersOf<Data extends FloatArray>(stages: readonly OpenStage<Data>[]): Map<ValueId, OpenStage<Data>[]> {
  const users = new Map<ValueId, OpenStage<Data>[]>();
  for (const open of stages) {
    for (const value of new Set(sourceValues(open.source))) users.set(value, [...(users.get(value) ?? []), open]);
  }
  return users;
}

function lastRow<Data extends FloatArray>(data: Data, width: number): Data {
  return data.slice(data.length - width) as Data;
}

function joined<Data extends FloatArray>(like: Data, pieces: readonly Data[]): Data {
  const whole = floatsLike(
    like,
    pieces.reduce((sum, { length }) => sum + length, 0),
  );
  let done = 0;
  for (const piece of pieces) {
    whole.set(piece, done);
    done += piece.length;
  }
  return whole;
}

/** [positions, a], [positions, b], … -> [positions, a + b + …]. */
function interleave<Data extends FloatArray>(like: Data, parts: readonly { data: Data; width: number }[]): Data {
  const rowWidth = parts.reduce((sum, { width }) => sum + width, 0);
  const rowCount = (parts[0]?.data.length ?? 0) / (parts[0]?.width ?? 1);
  const whole = floatsLike(like, rowCount * rowWidth);
  let offset = 0;
  for (const { data, width } of parts) {
    for (let row = 0; row < rowCount; row += 1) {
      whole.set(data.subarray(row * width, (row + 1) * width), row * rowWidth + offset);
    }
    offset += width;
  }
  return whole;
}

function captureError(code: string, is: string): RefuteError {
  return new RefuteError({ code, place: 'capture', is });
}
