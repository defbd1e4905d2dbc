// The page's side of the worker: one job at a time, whose messages go to whoever listens.
import type { FromWorker, Job, ToWorker } from './messages.ts';

export class WorkerClient {
  readonly #worker: Worker;
  #ended: ((failed: { code: string; message: string } | null) => void) | null = null;

  constructor(onMessage: (message: FromWorker) => void) {
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    this.#worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === 'done') this.#end(null);
      else if (data.type === 'failed') this.#end(data);
      else onMessage(data);
    });
    this.#worker.addEventListener('error', ({ message }) => this.#end({ code: 'INTERNAL', message }));
  }

  get isBusy(): boolean {
    return this.#ended !== null;
  }

  /** @returns what failed; null: the job is done */
  do(job: Job): Promise<{ code: string; message: string } | null> {
    if (this.isBusy) throw new RangeError('a job is running');
    return new Promise((resolve) => {
      this.#ended = resolve;
      this.#post({ job });
    });
  }

  stop(): void {
    this.#post({ type: 'stop' });
  }

  #end(failed: { code: string; message: string } | null): void {
    const ended = this.#ended;
    this.#ended = null;
    ended?.(failed);
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }
}
