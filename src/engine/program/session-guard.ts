// What all executors' sessions share: what may be asked now, how many positions are held. Computes nothing.
import { RefuteError } from '../../errors.ts';
import type { FloatArray, RunRequest, RunResult } from './executor.ts';
import type { Program } from './program.ts';

/** One session: runs do not overlap, and a run that fails leaves the positions of before. */
export class SessionGuard {
  readonly program: Program;
  readonly contextLength: number;
  readonly #onClose: () => void;
  #positionCount = 0;
  #state: 'idle' | 'running' | 'closed' = 'idle';

  constructor(program: Program, contextLength: number, onClose: () => void) {
    this.program = program;
    this.contextLength = contextLength;
    this.#onClose = onClose;
  }

  get positionCount(): number {
    return this.#positionCount;
  }

  /** @throws RefuteError E_SESSION_STATE, E_NO_TOKENS, E_TOKEN_ID, E_CONTEXT_FULL, E_TAP_VALUE, and as `compute` */
  async run<Data extends FloatArray>(
    request: RunRequest<Data>,
    compute: (firstPosition: number) => Promise<Data>,
  ): Promise<RunResult<Data>> {
    const { firstPosition, result } = await this.step(request, compute);
    return { firstPosition, logits: result };
  }

  /** As `run`, whatever comes of it. */
  async step<Data extends FloatArray, Result>(
    request: Omit<RunRequest<Data>, 'logits'>,
    compute: (firstPosition: number) => Promise<Result>,
  ): Promise<{ firstPosition: number; result: Result }> {
    this.#expectIdle('run');
    this.#check(request);
    request.signal?.throwIfAborted();
    this.#state = 'running';
    try {
      const firstPosition = this.#positionCount;
      const result = await compute(firstPosition);
      this.#positionCount += request.tokens.length;
      return { firstPosition, result };
    } finally {
      this.#state = 'idle';
    }
  }

  truncate(positionCount: number): void {
    this.#expectIdle('truncate');
    if (!Number.isSafeInteger(positionCount) || positionCount < 0 || positionCount > this.#positionCount) {
      const is = `it cannot be truncated to ${positionCount} positions`;
      throw refusal('E_TRUNCATE', 'session', is, `it holds ${this.#positionCount}`);
    }
    this.#positionCount = positionCount;
  }

  /** @returns false where it was closed before */
  close(): boolean {
    if (this.#state === 'closed') return false;
    this.#expectIdle('close');
    this.#state = 'closed';
    this.#onClose();
    return true;
  }

  #check<Data extends FloatArray>({ tokens, tap }: Omit<RunRequest<Data>, 'logits'>): void {
    const { vocabSize, values } = this.program;
    if (tokens.length === 0) throw refusal('E_NO_TOKENS', 'run', 'there are no tokens', 'a run appends at least one');
    for (const [i, token] of tokens.entries()) {
      if (Number.isSafeInteger(token) && token >= 0 && token < vocabSize) continue;
      throw refusal('E_TOKEN_ID', `token ${i}`, `its id is ${token}`, `ids are 0 to ${vocabSize - 1}`);
    }
    if (this.#positionCount + tokens.length > this.contextLength) {
      const is = `${tokens.length} tokens do not fit after the ${this.#positionCount} that it holds`;
      throw refusal('E_CONTEXT_FULL', 'session', is, `its context has ${this.contextLength} positions`);
    }
    const known = new Set(values.map(({ id }) => id));
    for (const id of tap?.values ?? []) {
      if (!known.has(id)) {
        throw refusal('E_TAP_VALUE', `tap of ${id}`, 'the program has no such value', 'values have ids');
      }
    }
  }

  #expectIdle(what: string): void {
    if (this.#state === 'idle') return;
    const is = this.#state === 'closed' ? 'it is closed' : 'a run is in progress';
    const next = 'Await the run, or open a session';
    throw new RefuteError({ code: 'E_SESSION_STATE', place: `session.${what}`, is, next });
  }
}

/** The open sessions of one executor, and what they share: let go when the executor is closed. */
export class OpenSessions<Shared, Session extends { close(): void }> {
  readonly #place: string;
  readonly #program: Program;
  readonly #sessions = new Set<Session>();
  #shared: Shared | null;

  /** @param place the executor, for messages */
  constructor(place: string, program: Program, shared: Shared) {
    this.#place = place;
    this.#program = program;
    this.#shared = shared;
  }

  /** @throws RefuteError E_EXECUTOR_CLOSED, E_CONTEXT_LENGTH; what `create` throws */
  open(contextLength: number, create: (shared: Shared, guard: SessionGuard) => Session): Session {
    const { contextLength: longest } = this.#program;
    if (this.#shared === null) {
      throw new RefuteError({ code: 'E_EXECUTOR_CLOSED', place: this.#place, is: 'it is closed' });
    }
    if (!Number.isSafeInteger(contextLength) || contextLength < 1 || contextLength > longest) {
      const is = `a session of ${contextLength} positions is asked for`;
      throw refusal('E_CONTEXT_LENGTH', this.#place, is, `the model takes 1 to ${longest}`);
    }
    const guard = new SessionGuard(this.#program, contextLength, () => this.#sessions.delete(session));
    const session = create(this.#shared, guard);
    this.#sessions.add(session);
    return session;
  }

  /** @throws RefuteError E_SESSION_STATE where a run is in progress */
  close(): void {
    for (const session of this.#sessions) session.close();
    this.#shared = null;
  }
}

function refusal(code: string, place: string, is: string, allowed: string): RefuteError {
  return new RefuteError({ code, place, is, allowed });
}
