// The worker of the page: one job at a time, told to stop by a message. What a job is, work.ts knows.
import { RefuteError } from '../errors.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { Work } from './work.ts';

/** Progress of the same thing that comes faster is not shown. */
const PROGRESS_MS = 50;

let controller: AbortController | null = null;
let shown = { text: '', atMs: 0 };

const tell = (message: FromWorker): void => {
  if (message.type === 'progress' && message.done < message.total) {
    if (message.text === shown.text && performance.now() - shown.atMs < PROGRESS_MS) return;
    shown = { text: message.text, atMs: performance.now() };
  }
  postMessage(message);
};
const work = new Work(tell);

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if ('job' in data) void run(data);
  else controller?.abort();
});

async function run({ job }: Extract<ToWorker, { job: unknown }>): Promise<void> {
  controller = new AbortController();
  const { signal } = controller;
  try {
    await work.do(job, signal);
    tell({ type: 'done' });
  } catch (error) {
    if (signal.aborted) tell({ type: 'failed', code: 'STOPPED', message: 'Stopped.' });
    else if (error instanceof RefuteError) tell({ type: 'failed', code: error.code, message: error.message });
    else tell({ type: 'failed', code: 'INTERNAL', message: `internal error: ${String(error)}` });
  }
}
