// `apr` as a user starts it, with a list of the processes that it starts in turn: was there one for a GPU, and which.
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PartContext, ProgramResult } from '../../src/runner/run/falsifier.ts';

const PRELOAD = new URL('./process-log.mjs', import.meta.url).href;
/** What the process of a GPU runs. */
const HOST = /[\\/]gpu[\\/]node[\\/]host\.[jt]s$/;
const POLL_MS = 20;

export interface Watched extends ProgramResult {
  /** Ids of the processes for a GPU that it started, in order. */
  hosts: number[];
}

let count = 0;

/** @param onHost called once for each process for a GPU, as it appears */
export async function runWatched(
  context: PartContext,
  argv: readonly string[],
  onHost: (pid: number) => Promise<void> = async () => undefined,
): Promise<Watched> {
  const log = join(context.folder, `processes-${++count}`);
  appendFileSync(log, '');
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = [before ?? '', `--import ${PRELOAD}`].join(' ').trim();
  process.env['REFUTE_PROCESS_LOG'] = log;
  const running = context.program('apr', argv);
  // The environment was copied as the program started.
  await Promise.resolve();
  const seen: number[] = [];
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      for (const pid of hostsIn(log)) {
        if (seen.includes(pid)) continue;
        seen.push(pid);
        await onHost(pid);
      }
      await sleep(POLL_MS);
    }
  })();
  try {
    const result = await running;
    isOver = true;
    await watching;
    return { ...result, hosts: hostsIn(log) };
  } finally {
    isOver = true;
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
    delete process.env['REFUTE_PROCESS_LOG'];
  }
}

function hostsIn(log: string): number[] {
  return readFileSync(log, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, pid = '', program = ''] = /^(\d+) (.*)$/.exec(line) ?? [];
      return HOST.test(program) ? [Number(pid)] : [];
    });
}
