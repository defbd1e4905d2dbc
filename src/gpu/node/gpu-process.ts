// The GPU process as its parent has it: requests with their answers, questions in between, and how it ended as a typed
// error. A driver that crashes takes down that process and not this one.
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compileCacheEnv } from '../../compile-cache.ts';
import { RefuteError } from '../../errors.ts';
import { receivedError, sentError, type FromHost, type Request, type ToHost } from './messages.ts';

/** Answers what the process asks while it works on a request. */
export type OnQuestion = (question: FromHost & { asks: number }) => Promise<Uint8Array | undefined>;

interface Pending {
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
  onQuestion: OnQuestion;
  /** What answering a question threw: it comes back as it was, once the process is done with the request. */
  thrown?: Error;
}

/** Of what it prints, kept for the error that says how it ended. */
const LOG_CHARACTERS = 2_000;

export class GpuProcess {
  readonly #process: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #count = 0;
  #log = '';
  #end: RefuteError | null = null;
  #settled: Promise<void> = Promise.resolve();

  /** @param env beside this process's own, e.g. where the loader finds a driver */
  constructor(env: Readonly<Record<string, string>> = {}) {
    const source = fileURLToPath(new URL('./host.ts', import.meta.url));
    const path = import.meta.url.endsWith('.ts') ? source : source.replace(/\.ts$/, '.js');
    this.#process = fork(path, {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { ...compileCacheEnv(), ...process.env, ...env },
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#log = (this.#log + text).slice(-LOG_CHARACTERS);
      });
    }
    process.once('exit', this.#kill);
    this.#process.on('message', (message: FromHost) => void this.#receive(message));
    this.#process.on('error', ({ message }) => this.#died(message));
    this.#process.on('close', (code, signal) => this.#died(signal === null ? `exit code ${code}` : `signal ${signal}`));
  }

  /** For tests. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /**
   * Where `signal` aborts, it rejects at once, though a driver may go on with what it has: `settled` says when not.
   *
   * @throws RefuteError E_GPU_DIED, E_EXECUTOR_CLOSED, and what the process answers with; the reason of `signal`
   */
  async ask(request: Request, onQuestion: OnQuestion = async () => undefined, signal?: AbortSignal): Promise<unknown> {
    if (this.#end !== null) throw this.#end;
    signal?.throwIfAborted();
    const id = ++this.#count;
    const asked = new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, onQuestion });
      this.#send({ id, request });
    });
    const over = asked.then(noop, noop);
    this.#settled = Promise.all([this.#settled, over]).then(noop);
    if (signal === undefined) return asked;
    let abort = noop;
    const aborted = new Promise<never>((_, reject) => {
      abort = () => {
        this.#send({ aborts: id });
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', abort, { once: true });
    });
    try {
      return await Promise.race([asked, aborted]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Once nothing that was asked so far is under way. */
  get settled(): Promise<void> {
    return this.#settled;
  }

  close(): void {
    this.#end ??= new RefuteError({ code: 'E_EXECUTOR_CLOSED', place: PLACE, is: 'it is closed' });
    this.#kill();
  }

  /** At once: inside a driver it would not hear that its parent is gone. */
  readonly #kill = (): void => {
    process.off('exit', this.#kill);
    this.#process.kill('SIGKILL');
  };

  async #receive(message: FromHost): Promise<void> {
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    if ('asks' in message) {
      const { asks } = message;
      try {
        const bytes = await pending.onQuestion(message);
        this.#send(bytes === undefined ? { answers: asks } : { answers: asks, bytes });
      } catch (error) {
        pending.thrown ??= error as Error;
        this.#send({ answers: asks, failed: sentError(error) });
      }
      return;
    }
    this.#pending.delete(message.id);
    if (pending.thrown !== undefined) pending.reject(pending.thrown);
    else if ('failed' in message) pending.reject(receivedError(message.failed));
    else pending.resolve(message.done);
  }

  #send(message: ToHost): void {
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  #died(how: string): void {
    const said = this.#log.trim().split('\n').slice(-2).join('; ');
    const is = `its process ended, ${how}${said === '' ? '' : `, saying ${JSON.stringify(said)}`}`;
    const next = 'Try another --adapter, or --engine cpu';
    this.#end ??= new RefuteError({ code: 'E_GPU_DIED', place: PLACE, is, next });
    for (const { reject } of this.#pending.values()) reject(this.#end);
    this.#pending.clear();
  }
}

function noop(): void {}

const PLACE = 'the GPU';
