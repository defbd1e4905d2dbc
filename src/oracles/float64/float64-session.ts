// One sequence on the float64 executor: op after op over the values of a chunk of positions, every value dropped after
// its last reader. Chunks bound memory; they change no bit, because a row is computed from itself and the cache alone.
import { RefuteError } from '../../errors.ts';
import type { RunRequest, RunResult, Session, WeightSource } from '../../engine/program/executor.ts';
import { operands, type AttentionOp, type Op, type Program, type ValueId } from '../../engine/program/program.ts';
import { evaluateOp, newCache } from './evaluate-op.ts';
import type { KeyValueCache } from './key-value-cache.ts';
import { neededRows, type NeededRows } from './needed-rows.ts';

/** Neighbouring positions that go through the program together. */
interface Chunk {
  tokens: readonly number[];
  firstPosition: number;
  isLast: boolean;
  tap: RunRequest<Float64Array>['tap'];
  needs: readonly NeededRows[];
}

export class Float64Session implements Session<Float64Array> {
  readonly #program: Program;
  readonly #weights: WeightSource;
  readonly #limits: { contextLength: number; chunkPositions: number };
  readonly #onClose: (session: Float64Session) => void;
  readonly #caches = new Map<AttentionOp, KeyValueCache>();
  readonly #lastReads: ReadonlyMap<ValueId, number>;
  readonly #widths: ReadonlyMap<ValueId, number>;
  #positionCount = 0;
  #state: 'idle' | 'running' | 'closed' = 'idle';

  /** The program has been checked against the weights. */
  constructor(
    program: Program,
    weights: WeightSource,
    limits: { contextLength: number; chunkPositions: number },
    onClose: (session: Float64Session) => void,
  ) {
    this.#program = program;
    this.#weights = weights;
    this.#limits = limits;
    this.#onClose = onClose;
    this.#widths = new Map(program.values.map(({ id, channelCount }) => [id, channelCount]));
    this.#lastReads = new Map(program.ops.flatMap((op, index) => operands(op).reads.map((id) => [id, index] as const)));
  }

  get positionCount(): number {
    return this.#positionCount;
  }

  async run(request: RunRequest<Float64Array>): Promise<RunResult<Float64Array>> {
    this.#expectIdle('run');
    this.#checkRequest(request);
    this.#state = 'running';
    try {
      const firstPosition = this.#positionCount;
      const logits = await this.#runChunks(request, firstPosition);
      this.#positionCount += request.tokens.length;
      return { firstPosition, logits };
    } finally {
      this.#state = 'idle';
    }
  }

  truncate(positionCount: number): void {
    this.#expectIdle('truncate');
    if (!Number.isSafeInteger(positionCount) || positionCount < 0 || positionCount > this.#positionCount) {
      const is = `it is to be cut to ${positionCount} positions`;
      throw sessionError('E_TRUNCATE', 'session', is, `it holds ${this.#positionCount}`);
    }
    // The caches forget when they are written next.
    this.#positionCount = positionCount;
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#expectIdle('close');
    this.#state = 'closed';
    this.#caches.clear();
    this.#onClose(this);
  }

  async #runChunks({ tokens, logits, tap }: RunRequest<Float64Array>, start: number): Promise<Float64Array> {
    const { vocabSize } = this.#program;
    const { chunkPositions } = this.#limits;
    const needs = neededRows(this.#program, logits, tap?.values ?? new Set());
    const result = new Float64Array({ all: tokens.length, last: 1, none: 0 }[logits] * vocabSize);
    for (let first = 0; first < tokens.length; first += chunkPositions) {
      const some = tokens.slice(first, first + chunkPositions);
      const isLast = first + some.length === tokens.length;
      const rows = await this.#runChunk({ tokens: some, firstPosition: start + first, isLast, tap, needs });
      if (logits === 'all') result.set(rows, first * vocabSize);
      else if (logits === 'last' && isLast) result.set(rows.subarray(rows.length - vocabSize));
    }
    return result;
  }

  /** @returns what was evaluated of the logits: all rows of the chunk, its last one, or none */
  async #runChunk(chunk: Chunk): Promise<Float64Array> {
    const { ops, logits } = this.#program;
    const values = new Map<ValueId, Float64Array>();
    for (const [index, op] of ops.entries()) {
      const need = chunk.needs[index];
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
    { tokens, firstPosition }: Pick<Chunk, 'tokens' | 'firstPosition'>,
  ): Promise<Float64Array> {
    const cache = op.op === 'attention' ? { cache: this.#cacheOf(op) } : {};
    const { contextLength } = this.#limits;
    return evaluateOp(op, { weights: this.#weights, values, tokens, firstPosition, contextLength, ...cache });
  }

  /** On the last row of the chunk, whether the values hold all rows or that one. */
  #evaluateLast(op: Op, values: ReadonlyMap<ValueId, Float64Array>, chunk: Chunk): Promise<Float64Array> {
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

  #checkRequest({ tokens, tap }: RunRequest<Float64Array>): void {
    const { vocabSize, values } = this.#program;
    const { contextLength } = this.#limits;
    if (tokens.length === 0) throw sessionError('E_NO_TOKENS', 'run', 'there are no tokens', 'it takes at least one');
    for (const [i, token] of tokens.entries()) {
      if (Number.isSafeInteger(token) && token >= 0 && token < vocabSize) continue;
      throw sessionError('E_TOKEN_ID', `token ${i}`, `its id is ${token}`, `ids are 0 to ${vocabSize - 1}`);
    }
    if (this.#positionCount + tokens.length > contextLength) {
      const is = `${tokens.length} tokens come after ${this.#positionCount} positions`;
      throw sessionError('E_CONTEXT_FULL', 'session', is, `its context has ${contextLength} positions`);
    }
    const known = new Set(values.map(({ id }) => id));
    for (const id of tap?.values ?? []) {
      if (!known.has(id)) throw sessionError('E_TAP_VALUE', `tap of ${id}`, 'the program has no such value');
    }
  }

  #expectIdle(what: string): void {
    if (this.#state === 'idle') return;
    const is = this.#state === 'closed' ? 'it is closed' : 'a run is in progress';
    throw sessionError(
      'E_SESSION_STATE',
      `session.${what}`,
      is,
      'a session does one thing at a time until it is closed',
    );
  }
}

function sessionError(code: string, place: string, is: string, allowed?: string): RefuteError {
  return new RefuteError({ code, place, is, ...(allowed && { allowed }) });
}
