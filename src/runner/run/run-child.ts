// Starts `child.ts`, hands it one request and waits for its last message, or for its death. The child may crash, hang
// or eat all memory; the caller gets an answer in every case.
import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { compileCacheEnv } from '../../compile-cache.ts';
import type { ChildMessage, DescribeRequest, PartRequest } from './protocol.ts';
import type { Reason } from './part-result.ts';
import { moduleFile } from '../sources/module-file.ts';

/**
 * A child that has answered has this long to end by itself, and to keep what it compiled; its answer stands either
 * way. Node itself hangs in its shutdown now and then (24.21: both threads wait for a futex).
 */
const EXIT_GRACE_MS = 2_000;
const STDERR_KEPT_CHARACTERS = 4_000;
const STDERR_SHOWN_LINES = 12;

export interface ChildOptions {
  request: PartRequest | DescribeRequest;
  cwd: string;
  timeLimitMs: number;
  /** Environment of the child beside the harness's own: how a planted fault gets in. */
  env?: Readonly<Record<string, string>>;
  onProgress?: (executed: number, planned: number) => void;
}

type LastMessage = Exclude<ChildMessage, { type: 'ready' } | { type: 'progress' }>;

/** How the child ended: with a message, or without one. */
export type ChildEnd = LastMessage | { type: 'died'; reason: Reason; executed: number };

const running = new Set<ChildProcess>();
// Ctrl-C and every other end of the harness end what it started.
process.on('exit', () => running.forEach(kill));

const limit = pLimit(availableParallelism());

/** Waits until a core is free: start as many as you like; time limits count from the start of the child. */
export function runChild(options: ChildOptions): Promise<ChildEnd> {
  return limit(() => runChildNow(options));
}

function runChildNow(options: ChildOptions): Promise<ChildEnd> {
  return new Promise((settle) => {
    const child = fork(moduleFile(new URL('./child.ts', import.meta.url)), [], {
      cwd: options.cwd,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: process.platform !== 'win32',
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: {
        ...compileCacheEnv(),
        ...process.env,
        ...options.env,
      },
    });
    running.add(child);
    let last: LastMessage | null = null;
    let executed = 0;
    let stderr = '';
    let isTimedOut = false;
    let timer = setTimeout(() => {
      isTimedOut = true;
      kill(child);
    }, options.timeLimitMs);
    const finish = (end: ChildEnd): void => {
      clearTimeout(timer);
      running.delete(child);
      // Whatever the part left running behind it.
      kill(child);
      settle(end);
    };

    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-STDERR_KEPT_CHARACTERS);
    });
    child.on('message', (message: ChildMessage) => {
      switch (message.type) {
        case 'ready':
          child.send(options.request);
          break;
        case 'progress':
          executed = message.executed;
          options.onProgress?.(message.executed, message.planned);
          break;
        case 'description':
        case 'absent':
        case 'executor-absent':
        case 'report':
        case 'unusable':
          last = message;
          clearTimeout(timer);
          timer = setTimeout(() => kill(child), EXIT_GRACE_MS);
      }
    });
    // `close`, not `exit`: messages and stderr are complete then.
    child.on('close', (code, signal) => {
      const { timeLimitMs: limitMs } = options;
      const reason: Reason = isTimedOut ? { code: 'time-limit', limitMs } : deathReason(code, signal, stderr);
      finish(last ?? { type: 'died', reason, executed });
    });
    child.on('error', (error) => {
      finish({ type: 'died', reason: { code: 'crash', detail: error.message }, executed: 0 });
    });
  });
}

function deathReason(code: number | null, signal: NodeJS.Signals | null, stderr: string): Reason {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  const said = stderr.trim().split('\n').slice(-STDERR_SHOWN_LINES).join('\n');
  const detail = said === '' ? how : `${how}\n${said}`;
  // SIGKILL that we did not send is how a kernel ends the process that took too much memory.
  return /out of memory|Cannot allocate memory/i.test(stderr) || signal === 'SIGKILL'
    ? { code: 'out-of-memory', detail }
    : { code: 'crash', detail };
}

/** Ends the child and everything it started. */
function kill(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    // ESRCH: the group is gone already, which is what was wanted.
  }
}
