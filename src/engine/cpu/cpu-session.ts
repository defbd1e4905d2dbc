// One sequence on the CPU executor: its key-value cache, its scratch, and the program bound to them. Runs in chunks of
// a fixed number of positions, so scratch does not grow with a prompt; a chunk boundary changes no bit, because every
// kernel computes a row from that row (and the cache) alone.
import type { RunRequest, RunResult, Session } from '../program/executor.ts';
import type { LoadedProgram } from './load-program.ts';
import { neededRows, type NeededRows } from '../program/needed-rows.ts';
import { pause } from '../program/pause.ts';
import type { ValueId } from '../program/program.ts';
import type { SessionGuard } from '../program/session-guard.ts';
import { Workspace } from './workspace.ts';

export class CpuSession implements Session {
  readonly #loaded: LoadedProgram;
  readonly #workspace: Workspace;
  readonly #guard: SessionGuard;

  constructor(loaded: LoadedProgram, guard: SessionGuard) {
    this.#loaded = loaded;
    this.#guard = guard;
    this.#workspace = new Workspace(loaded, guard.contextLength);
  }

  get positionCount(): number {
    return this.#guard.positionCount;
  }

  get suspect(): ValueId | null {
    return this.#workspace.chunk.suspect;
  }

  run(request: RunRequest): Promise<RunResult> {
    return this.#guard.run(request, (start) => this.#runChunks(request, start));
  }

  truncate(positionCount: number): void {
    this.#guard.truncate(positionCount);
  }

  close(): void {
    if (this.#guard.close()) this.#workspace.release();
  }

  async #runChunks({ tokens, logits, tap, signal }: RunRequest, start: number): Promise<Float32Array> {
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
      chunk.firstPosition = start + first;
      workspace.fillRopeTables(count);
      for (const step of steps) {
        const rows = rowsOf(needs[step.opIndex] ?? 'none', count, isLast);
        if (rows === null) continue;
        const due = pause(signal);
        if (due !== null) await due;
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
}

function rowsOf(need: NeededRows, count: number, isLastChunk: boolean): { first: number; count: number } | null {
  if (need === 'all') return { first: 0, count };
  return need === 'last' && isLastChunk ? { first: count - 1, count: 1 } : null;
}
