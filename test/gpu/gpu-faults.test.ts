// What goes wrong around a GPU while a program runs on it: its process dies, its device is lost, a person presses Ctrl-C.
// Each ends the program with the right word and code, at once, and leaves no process behind.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { LAUNCHER } from '../cli/apr-process.ts';
import { isRunning } from '../fixtures/is-running.ts';
import { planted } from '../fixtures/plant.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { SLOW } from '../slow.ts';

const scratch = await temporaryFolder();
const MODEL = 'models/sums-2m/sums-2m.q4_k_m.gguf';
/** Many seconds on a GPU in software. */
const TOKENS = Array.from({ length: 400 }, (_, i) => 20 + (i % 700)).join(',');
const COMMANDS: readonly (readonly [string, readonly string[]])[] = [
  ['run', ['--max-tokens', '100']],
  ['check', []],
  ['trace', ['--save-tensor', 'all', '--save-tensor-dir', join(scratch, 'capture')]],
  ['parity', []],
];

function start(command: string, args: readonly string[], env: Record<string, string> = {}) {
  const argv = [command, MODEL, '--tokens', TOKENS, '--engine', 'webgpu', '--adapter', 'swiftshader', ...args];
  return execa(process.execPath, [LAUNCHER, ...argv], {
    reject: false,
    env: { SKIP_PARITY_GATE: '1', NO_COLOR: '1', ...env },
    stdin: 'ignore',
    detached: true,
  });
}

/** Of the process that `pid` has started for the GPU, once there is one. */
async function gpuProcessOf(pid: number): Promise<number> {
  for (let waited = 0; waited < 20_000; waited += 50) {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    for (const child of children.split(' ').filter((text) => text !== '')) {
      const argv = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '');
      if (argv.includes('gpu/node/host')) return Number(child);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it has started no process for the GPU');
}

/** Long enough that what `pid` waits for is the GPU's own work: the model is loaded and runs. */
async function untilItRuns(gpu: number): Promise<void> {
  const spent = async (): Promise<number> => {
    const fields = (await readFile(`/proc/${gpu}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]);
  };
  // Hundredths of a second of processor time: starting Dawn and compiling take some of them.
  while ((await spent()) < 200) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** The system takes a moment over a process that was killed. */
async function isGone(pid: number, withinMs: number): Promise<boolean> {
  const startMs = performance.now();
  while (await isRunning(pid)) {
    if (performance.now() - startMs > withinMs) return false;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return true;
}

describe.runIf(process.platform === 'linux').each(SLOW ? COMMANDS : COMMANDS.slice(0, 2))('apr %s', (command, args) => {
  it('says that the GPU has died, with 3, when its process is killed', async () => {
    const running = start(command, args);
    const gpu = await gpuProcessOf(running.pid ?? 0);
    await untilItRuns(gpu);
    process.kill(gpu, 'SIGKILL');
    const killedMs = performance.now();
    const { exitCode, stderr } = await running;
    expect(performance.now() - killedMs).toBeLessThan(5000);
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: expect.stringContaining('error E_GPU_DIED the GPU') });
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('says that the device is lost, with 3', async () => {
    const lose = planted({
      file: 'gpu/device.ts',
      find: 'this.device = device;',
      replace: 'this.device = device; setTimeout(() => device.destroy(), 2500);',
    });
    const { exitCode, stderr } = await start(command, args, lose);
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: expect.stringContaining('E_GPU_LOST') });
  });

  it('takes the process of the GPU with it on Ctrl-C', async () => {
    const running = start(command, args);
    const gpu = await gpuProcessOf(running.pid ?? 0);
    await untilItRuns(gpu);
    const startMs = performance.now();
    // As a terminal does: to the whole group.
    process.kill(-(running.pid ?? 0), 'SIGINT');
    const { exitCode, stderr } = await running;
    expect(performance.now() - startMs).toBeLessThan(2000);
    expect({ exitCode, isSaid: /error/.test(stderr) }, stderr).toEqual({ exitCode: 130, isSaid: false });
    expect(await isGone(gpu, 1000)).toBe(true);
  });
});

it.runIf(process.platform === 'linux')('leaves no process of the GPU behind when it is killed itself', async () => {
  const running = start('run', ['--max-tokens', '100']);
  const gpu = await gpuProcessOf(running.pid ?? 0);
  await untilItRuns(gpu);
  running.kill('SIGKILL');
  await running;
  // It hears of it when it is done with what it is at.
  expect(await isGone(gpu, 20_000)).toBe(true);
});
