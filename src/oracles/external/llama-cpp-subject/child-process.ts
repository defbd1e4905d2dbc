// The child as its parent has it: one request at a time, its answers as they come, and how it ended as a typed error.
// Knows nothing of models or programs.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { compileCacheEnv } from '../../../compile-cache.ts';
import { RefuteError } from '../../../errors.ts';
import { ANSWERS_DESCRIPTOR, readFrames, type Frame } from './frames.ts';
import type { Answer, Failure, Request } from './messages.ts';

export interface ChildOptions {
  /** Without any answer for so long, it is taken for hung. */
  silenceLimitMs?: number;
}

const SILENCE_LIMIT_MS = 600_000;
const LOG_READ_BYTES = 16 * 1024;
const LOG_SHOWN_LINES = 2;

/** What it prints is kept for errors and shown nowhere. */
export class LlamaCppChild {
  readonly #process: ChildProcess;
  readonly #answers: Readable;
  readonly #frames: AsyncGenerator<Frame<Answer>, void>;
  readonly #silenceLimitMs: number;
  readonly #ended: Promise<string>;
  /** What it prints: a file and no pipe, since a full pipe drops what C writes. */
  readonly #log: number;
  /** Settles when the request before is answered. */
  #turn: Promise<unknown> = Promise.resolve();
  #death: RefuteError | null = null;

  constructor({ silenceLimitMs = SILENCE_LIMIT_MS }: ChildOptions = {}) {
    const source = fileURLToPath(new URL('./child.ts', import.meta.url));
    const path = import.meta.url.endsWith('.ts') ? source : source.replace(/\.ts$/, '.js');
    this.#log = openLog();
    this.#process = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path], {
      stdio: ['pipe', this.#log, this.#log, 'pipe'],
      // An assertion of llama.cpp would start a debugger for its trace.
      env: { ...compileCacheEnv(), ...process.env, GGML_NO_BACKTRACE: '1' },
    });
    const { stdin } = this.#process;
    // It may be gone before a request is written; its end says so.
    stdin?.on('error', () => undefined);
    this.#answers = this.#process.stdio[ANSWERS_DESCRIPTOR] as Readable;
    this.#frames = readFrames(this.#answers);
    this.#silenceLimitMs = silenceLimitMs;
    this.#ended = new Promise((settle) => {
      this.#process.on('error', ({ message }) => settle(message));
      this.#process.on('close', (code, signal) => settle(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
  }

  /** For tests. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /**
   * @param onAnswer is awaited before the next answer is read. Where it throws, the request is answered to its end
   * nevertheless, and so it is after `signal` was aborted.
   * @returns the payload of the last answer
   * @throws RefuteError E_SUBJECT_DIED, E_SUBJECT_SILENT, those of `failureError`; what `onAnswer` throws; the reason
   * of `signal`
   */
  async ask(
    request: Request,
    onAnswer: (answer: Frame<Answer>) => void | Promise<void> = () => undefined,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const before = this.#turn;
    const answered = before.then(() => this.#exchange(request, onAnswer, signal));
    this.#turn = answered.catch(() => undefined);
    return signal === undefined ? answered : orAborted(answered, signal);
  }

  /** Once. */
  async close(): Promise<void> {
    this.#death ??= new RefuteError({ code: 'E_EXECUTOR_CLOSED', place: PLACE, is: 'it is closed' });
    await this.#kill();
    closeSync(this.#log);
  }

  async #exchange(
    request: Request,
    onAnswer: (answer: Frame<Answer>) => void | Promise<void>,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    if (this.#death !== null) throw this.#death;
    this.#process.stdin?.write(`${JSON.stringify(request)}\n`);
    let thrown: { error: unknown } | null = null;
    for (;;) {
      const frame = await this.#nextFrame();
      if (frame === null) throw await this.#die();
      const { head, payload } = frame;
      if (head.type === 'failed') throw await this.#die(head.failure);
      if (head.type === 'done') {
        if (thrown !== null) throw thrown.error;
        return payload;
      }
      if (thrown !== null || signal?.aborted === true) continue;
      try {
        await onAnswer(frame);
      } catch (error) {
        thrown = { error };
      }
    }
  }

  /** null: there are no more. @throws RefuteError E_SUBJECT_SILENT */
  async #nextFrame(): Promise<Frame<Answer> | null> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<null>((settle) => {
      timer = setTimeout(() => settle(null), this.#silenceLimitMs);
    });
    try {
      // A pipe that we closed ourselves has no more either.
      const closed = { done: true, value: undefined } as const;
      const next = await Promise.race([this.#frames.next().catch(() => closed), silence]);
      if (next !== null) return next.done === true ? null : next.value;
    } finally {
      clearTimeout(timer);
    }
    const is = `it gave no answer for ${this.#silenceLimitMs / 1000} s and was ended`;
    this.#death ??= new RefuteError({ code: 'E_SUBJECT_SILENT', place: PLACE, is });
    await this.#kill();
    throw this.#death;
  }

  async #kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    this.#answers.destroy();
    await this.#ended;
  }

  /** Waits for its end, so that all that it said is there. */
  async #die(failure: Failure | null = null): Promise<RefuteError> {
    const how = await this.#ended;
    if (this.#death !== null) return this.#death;
    const said = lastLines(this.#log);
    if (failure !== null) return (this.#death = failureError(failure, said));
    const is = `its process ended, ${how}${said === '' ? '' : `, saying ${JSON.stringify(said)}`}`;
    return (this.#death = new RefuteError({ code: 'E_SUBJECT_DIED', place: PLACE, is }));
  }
}

const PLACE = 'llama.cpp';

function failureError(failure: Failure, said: string): RefuteError {
  const { is } = failure;
  switch (failure.why) {
    case 'build':
      return new RefuteError({ code: 'E_SUBJECT_BUILD', place: PLACE, is, allowed: failure.allowed }, 2);
    case 'variant': {
      const allowed = `here run ${failure.runnable.join(', ')}`;
      return new RefuteError({ code: 'E_SUBJECT_VARIANT', place: '--engine', is, allowed }, 2);
    }
    case 'model':
      return new RefuteError({ code: 'E_SUBJECT_MODEL', place: PLACE, is: withSaid(is, said) }, 2);
    case 'run':
      return new RefuteError({ code: 'E_SUBJECT_RUN', place: PLACE, is: withSaid(is, said) });
  }
}

function withSaid(is: string, said: string): string {
  return said === '' ? is : `${is}: ${said}`;
}

/** Without a name, so that it is gone with the last who has it open. */
function openLog(): number {
  const folder = mkdtempSync(join(tmpdir(), 'refute-llama-cpp-'));
  try {
    return openSync(join(folder, 'log'), 'a+');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What is said last is why. */
function lastLines(log: number): string {
  const { size } = fstatSync(log);
  const bytes = new Uint8Array(Math.min(size, LOG_READ_BYTES));
  readSync(log, bytes, 0, bytes.length, size - bytes.length);
  const lines = new TextDecoder()
    .decode(bytes)
    .split('\n')
    .filter((line) => /\w/.test(line));
  return lines.slice(-LOG_SHOWN_LINES).join('; ');
}

/** The promise, or the reason of the signal as soon as it is aborted. */
async function orAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
    promise.catch(() => undefined);
  }
}
