// One sequence in llama.cpp: cuts a run into chunks, and hands on what the child sends in the order of the program.
import { RefuteError } from '../../../errors.ts';
import type { RunRequest, RunResult, Session, Tap } from '../../../engine/program/executor.ts';
import type { ValueId } from '../../../engine/program/program.ts';
import type { SessionGuard } from '../../../engine/program/session-guard.ts';
import type { LlamaCppChild } from './child-process.ts';

export interface SessionOptions {
  /** Tells it from the others of the child. */
  number: number;
  chunkPositions: number;
  hidden: ReadonlySet<ValueId>;
}

export class LlamaCppSession implements Session {
  readonly #child: LlamaCppChild;
  readonly #guard: SessionGuard;
  readonly #options: SessionOptions;

  constructor(child: LlamaCppChild, guard: SessionGuard, options: SessionOptions) {
    this.#child = child;
    this.#guard = guard;
    this.#options = options;
  }

  get positionCount(): number {
    return this.#guard.positionCount;
  }

  /** Before anything else. */
  async begin(): Promise<void> {
    const { number: session, chunkPositions } = this.#options;
    await this.#child.ask({ type: 'session', session, contextLength: this.#guard.contextLength, chunkPositions });
  }

  /** @throws RefuteError those of SessionGuard, E_TAP_HIDDEN, E_SUBJECT_… */
  run(request: RunRequest): Promise<RunResult> {
    return this.#guard.run(request, (firstPosition) => this.#compute(request, firstPosition));
  }

  /** What is forgotten is said with the next run. */
  truncate(positionCount: number): void {
    this.#guard.truncate(positionCount);
  }

  close(): void {
    if (!this.#guard.close()) return;
    // A child that died has no session any more.
    this.#child.ask({ type: 'end-session', session: this.#options.number }).catch(() => undefined);
  }

  async #compute({ tokens, logits, tap, signal }: RunRequest, firstPosition: number): Promise<Float32Array> {
    const { number: session, chunkPositions, hidden } = this.#options;
    const { vocabSize } = this.#guard.program;
    const unseen = [...(tap?.values ?? [])].find((id) => hidden.has(id));
    if (unseen !== undefined) {
      const is = "llama.cpp's graph has no node that is this value alone";
      throw new RefuteError({ code: 'E_TAP_HIDDEN', place: `tap of ${unseen}`, is });
    }
    const parts: Uint8Array[] = [];
    for (let done = 0; done < tokens.length; done += chunkPositions) {
      const chunk = tokens.slice(done, done + chunkPositions);
      const isLast = done + chunk.length === tokens.length;
      const inOrder = tap === undefined ? null : this.#tapOfChunk(tap, firstPosition + done, chunk.length);
      const run = {
        type: 'run',
        session,
        firstPosition: firstPosition + done,
        tokens: chunk,
        logits: logits === 'last' && !isLast ? 'none' : logits,
        values: inOrder === null ? [] : inOrder.values,
      } as const;
      const payload = await this.#child.ask(
        run,
        async ({ head, payload: rows }) => {
          if (head.type === 'value') await inOrder?.take(head.value, new Float32Array(rows.buffer));
        },
        signal,
      );
      parts.push(payload);
    }
    const rowCount = { all: tokens.length, last: 1, none: 0 }[logits];
    const all = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
    parts.reduce((at, part) => (all.set(part, at), at + part.byteLength), 0);
    const floats = new Float32Array(all.buffer);
    if (floats.length !== rowCount * vocabSize) throw sizeError(this.#guard.program.logits, floats.length, rowCount);
    return floats;
  }

  /** llama.cpp computes some values in another order than the program; those that come early wait. */
  #tapOfChunk(tap: Tap, firstPosition: number, rowCount: number): OrderedTap {
    const wanted = this.#guard.program.values.filter(({ id }) => tap.values.has(id));
    const waiting = new Map<ValueId, Float32Array>();
    let next = 0;
    return {
      values: wanted.map(({ id }) => id),
      take: async (value, rows) => {
        waiting.set(value, rows);
        for (; next < wanted.length; next += 1) {
          const { id = '', channelCount = 0 } = wanted[next] ?? {};
          const data = waiting.get(id);
          if (data === undefined) return;
          waiting.delete(id);
          if (data.length !== rowCount * channelCount) throw sizeError(id, data.length, rowCount);
          await tap.onValue(id, data, firstPosition);
        }
      },
    };
  }
}

interface OrderedTap {
  values: ValueId[];
  take(value: ValueId, rows: Float32Array): Promise<void>;
}

function sizeError(value: ValueId, count: number, rowCount: number): RefuteError {
  const is = `${value} came with ${count} numbers for ${rowCount} positions`;
  return new RefuteError({ code: 'E_SUBJECT_VALUE', place: 'llama.cpp', is });
}
