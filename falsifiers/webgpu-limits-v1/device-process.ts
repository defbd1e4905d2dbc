// A process of its own with a GPU, for cases that need a device in their own hands: one that takes less, one that is lost. What runs in
// it is on-device.ts.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SOFTWARE } from '../../src/gpu/node/webgpu-executor.ts';
import { softwareAdapter } from '../../src/gpu/node/software-adapter.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import type { Case } from './cases.ts';

const PROGRAM = fileURLToPath(new URL('./on-device.ts', import.meta.url));

export type Ask = (asked: Case) => Promise<number>;

/** @param work is given what answers a case with the number of things that are wrong */
export async function withDevice(context: PartContext, work: (ask: Ask) => Promise<void>): Promise<void> {
  const software = context.engine.at(-1) === SOFTWARE ? await softwareAdapter() : { env: {} };
  if ('absent' in software) throw new Error(software.absent);
  const child = fork(PROGRAM, [], {
    env: { ...process.env, ...software.env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', (code, signal) => reject(new Error(`the process of the device ended: ${signal ?? code}`)));
  });
  ended.catch(() => undefined);
  const ask: Ask = (asked) => {
    const answer = new Promise<number>((resolve, reject) => {
      child.once('message', (message: { wrong: number } | { error: string }) => {
        if ('wrong' in message) resolve(message.wrong);
        else reject(new Error(message.error));
      });
    });
    child.send(asked);
    return Promise.race([answer, ended]);
  };
  try {
    await work(ask);
  } finally {
    child.kill();
  }
}
