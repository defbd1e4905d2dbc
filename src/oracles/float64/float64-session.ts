// One sequence on the float64 executor: op after op over the values of a chunk of positions, every value dropped after
// its last reader. Chunks bound memory; they change no bit, because a row is computed from itself and the cache alone.
import type { RunRequest, RunResult, Session, WeightSource } from '../../engine/program/executor.ts';
import { operands, type AttentionOp, type Op, type ValueId } from '../../engine/program/program.ts';
import { neededRows, type NeededRows } from '../../engine/program/needed-rows.ts';
import { pause } from '../../engine/program/pause.ts';
import type { SessionGuard } from '../../engine/program/session-guard.ts';
import { evaluateOp, newCache } from './evaluate-op.ts';
import type { KeyValueCache } from './key-value-cache.ts';

/** Neighbouring positions that go through the program together. */
interface ChunkRun {
  tokens: readonly number[];
  firstPosition: number;
  isLast: boolean;
  tap: RunRequest<Float64Array>['tap'];
  needs: readonly NeededRows[];
  signal: AbortSignal | undefined;
}

export class Float64Session implements Session<Float64Array> {
  /** A double holds the square of every float32, and a sum of them. */
  readonly suspect = null;
  readonly #weights: WeightSource;
  readonly #guard: SessionGuard;
  readonly #chunkPositions: number;
  readonly #caches = new Map<AttentionOp, KeyValueCache>();
  readonly #lastReads: ReadonlyMap<ValueId, number>;
  readonly #widths: ReadonlyMap<ValueId, number>;

  /** The program has been checked against the weights. */
  constructor(weights: WeightSource, guard: SessionGuard, chunkPositions: number) {
    const { values, ops } = guard.program;
    this.#weights = weights;
    this.#guard = guard;
    this.#chunkPositions = chunkPositions;
    this.#widths = new Map(values.map(({ id, channelCount }) => [id, channelCount]));
    this.#lastReads = new Map(ops.flatMap((op, index) => operands(op).reads.map((id) => [id, index] as const)));
  }

  get positionCount(): number {
    return this.#guard.positionCount;
  }

  run(request: RunRequest<Float64Array>): Promise<RunResult<Float64Array>> {
    return this.#guard.run(request, (start) => this.#runChunks(request, start));
  }

  /** The caches forget when they are written next. */
  truncate(positionCount: number): void {
    this.#guard.truncate(positionCount);
  }

  close(): void {
    if (this.#guard.close()) this.#caches.clear();
  }

  async #runChunks({ tokens, logits, tap, signal }: RunRequest<Float64Array>, start: number): Promise<Float64Array> {
    const { program } = this.#guard;
    const { vocabSize } = program;
    const chunkPositions = this.#chunkPositions;
    const needs = neededRows(program, logits, tap?.values);
    const result = new Float64Array({ all: tokens.length, last: 1, none: 0 }[logits] * vocabSize);
    for (let first = 0; first < tokens.length; first += chunkPositions) {
      const some = tokens.slice(first, first + chunkPositions);
      const isLast = first + some.length === tokens.length;
      const rows = await this.#runChunk({ tokens: some, firstPosition: start + first, isLast, tap, needs, signal });
      if (logits === 'all') result.set(rows, first * vocabSize);
      else if (logits === 'last' && isLast) result.set(rows.subarray(rows.length - vocabSize));
    }
    return result;
  }

  /** @returns what was evaluated of the logits: all rows of the chunk, its last one, or none */
  async #runChunk(chunk: ChunkRun): Promise<Float64Array> {
    const { ops, logits } = this.#guard.program;
    const values = new Map<ValueId, Float64Array>();
    for (const [index, op] of ops.entries()) {
      const need = chunk.needs[index];
      await pause(chunk.signal);
      if (need === 'all') values.set(op.out, await this.#evaluate(op, values, chunk));
      else if (need === 'last' && chunk.isLast) values.set(op.out, await this.#evaluateLast(op, values, chunk));
      else continue;
      if (chunk.tap?.values.has(op.out) === true) {
        // A copy: the receiver may keep and change what it gets.
        await chunk.tap.onValue(op.out, values.get(op.out)?.slice() ?? new Float64Array(0), chunk.firstPosition);
      }
      for (const id of operands(op).reads) if (this.#lastReads.get(id) === index && id !== logits) values.delete(id);
    }
    return values.get(logits) ?? new Float64Array(0);
  }

  #evaluate(
    op: Op,
    values: ReadonlyMap<ValueId, Float64Array>,
    { tokens, firstPosition }: Pick<ChunkRun, 'tokens' | 'firstPosition'>,
  ): Promise<Float64Array> {
    const cache = op.op === 'attention' ? { cache: this.#cacheOf(op) } : {};
    const { contextLength } = this.#guard;
    return evaluateOp(op, { weights: this.#weights, values, tokens, firstPosition, contextLength, ...cache });
  }

  /** On the last row of the chunk, whether the values hold all rows or that one. */
  #evaluateLast(op: Op, values: ReadonlyMap<ValueId, Float64Array>, chunk: ChunkRun): Promise<Float64Array> {
    const last = operands(op).reads.map((id) => [id, values.get(id)?.slice(-(this.#widths.get(id) ?? 0))] as const);
    const given = last.flatMap(([id, row]) => (row === undefined ? [] : [[id, row] as const]));
    const firstPosition = chunk.firstPosition + chunk.tokens.length - 1;
    return this.#evaluate(op, new Map(given), { tokens: chunk.tokens.slice(-1), firstPosition });
  }

  #cacheOf(op: AttentionOp): KeyValueCache {
    const cache = this.#caches.get(op) ?? newCache(op);
    this.#caches.set(op, cache);
    return cache;
  }
}
