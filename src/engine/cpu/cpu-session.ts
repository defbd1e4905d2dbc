// One sequence on the CPU executor: its key-value cache, its scratch, and the program bound to them. Runs in chunks of a
// fixed number of positions, so scratch does not grow with a prompt; a chunk boundary changes no bit, because every
// kernel computes a row from that row (and the cache) alone.
import { RefuteError } from '../../errors.ts';
import type { RunRequest, RunResult, Session } from '../program/executor.ts';
import type { LoadedProgram } from './load-program.ts';
import { neededRows, type NeededRows } from '../program/needed-rows.ts';
import { Workspace } from './workspace.ts';

export class CpuSession implements Session {
  readonly #loaded: LoadedProgram;
  readonly #contextLength: number;
  readonly #workspace: Workspace;
  readonly #onClose: (session: CpuSession) => void;
  #positionCount = 0;
  #state: 'idle' | 'running' | 'closed' = 'idle';

  constructor(loaded: LoadedProgram, contextLength: number, onClose: (session: CpuSession) => void) {
    this.#loaded = loaded;
    this.#contextLength = contextLength;
    this.#workspace = new Workspace(loaded, contextLength);
    this.#onClose = onClose;
  }

  get positionCount(): number {
    return this.#positionCount;
  }

  async run(request: RunRequest): Promise<RunResult> {
    this.#expectIdle('run');
    checkRequest(request, this.#loaded, this.#positionCount, this.#contextLength);
    this.#state = 'running';
    try {
      const firstPosition = this.#positionCount;
      const logits = await this.#runChunks(request);
      this.#positionCount += request.tokens.length;
      return { firstPosition, logits };
    } finally {
      this.#state = 'idle';
    }
  }

  truncate(positionCount: number): void {
    this.#expectIdle('truncate');
    if (!Number.isSafeInteger(positionCount) || positionCount < 0 || positionCount > this.#positionCount) {
      throw new RefuteError({
        code: 'E_TRUNCATE',
        place: 'session',
        is: `it cannot be truncated to ${positionCount} positions`,
        allowed: `it holds ${this.#positionCount}`,
      });
    }
    this.#positionCount = positionCount;
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#expectIdle('close');
    this.#state = 'closed';
    this.#workspace.release();
    this.#onClose(this);
  }

  async #runChunks({ tokens, logits, tap }: RunRequest): Promise<Float32Array> {
    const { program, chunkPositions } = this.#loaded;
    const workspace = this.#workspace;
    const { chunk, steps } = workspace;
    const needs = neededRows(program, logits, tap?.values);
    const rowCount = logits === 'all' ? tokens.length : logits === 'last' ? 1 : 0;
    const result = new Float32Array(rowCount * program.vocabSize);
    chunk.tokens = tokens;
    for (let first = 0; first < tokens.length; first += chunkPositions) {
      const count = Math.min(chunkPositions, tokens.length - first);
      const isLast = first + count === tokens.length;
      chunk.firstToken = first;
      chunk.firstPosition = this.#positionCount + first;
      workspace.fillRopeTables(count);
      for (const step of steps) {
        const rows = rowsOf(needs[step.opIndex] ?? 'none', count, isLast);
        if (rows === null) continue;
        step.run(rows.first, rows.count);
        if (tap !== undefined && step.writes !== null && tap.values.has(step.writes)) {
          await tap.onValue(step.writes, workspace.readRows(step.writes, 0, count), chunk.firstPosition);
        }
      }
      if (logits === 'all') result.set(workspace.readRows(program.logits, 0, count), first * program.vocabSize);
      else if (logits === 'last' && isLast) result.set(workspace.readRows(program.logits, count - 1, 1));
    }
    return result;
  }

  #expectIdle(what: string): void {
    if (this.#state === 'idle') return;
    const is = this.#state === 'closed' ? 'it is closed' : 'a run is in progress';
    throw new RefuteError({
      code: 'E_SESSION_STATE',
      place: `session.${what}`,
      is,
      next: 'Await the run, or open a session',
    });
  }
}

function rowsOf(need: NeededRows, count: number, isLastChunk: boolean): { first: number; count: number } | null {
  if (need === 'all') return { first: 0, count };
  return need === 'last' && isLastChunk ? { first: count - 1, count: 1 } : null;
}

function checkRequest(
  { tokens, tap }: RunRequest,
  { program }: LoadedProgram,
  positionCount: number,
  contextLength: number,
): void {
  const fail = (code: string, place: string, is: string, allowed: string): RefuteError =>
    new RefuteError({ code, place, is, allowed });
  if (tokens.length === 0) throw fail('E_NO_TOKENS', 'run', 'there are no tokens', 'a run appends at least one');
  for (const [i, token] of tokens.entries()) {
    if (Number.isSafeInteger(token) && token >= 0 && token < program.vocabSize) continue;
    throw fail('E_TOKEN_ID', `token ${i}`, `its id is ${token}`, `ids are 0 to ${program.vocabSize - 1}`);
  }
  if (positionCount + tokens.length > contextLength) {
    const is = `${tokens.length} tokens do not fit after the ${positionCount} that it holds`;
    throw fail('E_CONTEXT_FULL', 'session', is, `its context has ${contextLength} positions`);
  }
  const known = new Set(program.values.map((value) => value.id));
  for (const value of tap?.values ?? []) {
    if (!known.has(value))
      throw fail('E_TAP_VALUE', `tap of ${value}`, 'the program has no such value', 'values have ids');
  }
}
