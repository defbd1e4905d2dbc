// Tries to make a program that was asked for a GPU answer from the CPU without saying so, or the other way round: engines and
// adapters that are absent, a GPU process that is killed at a searched moment, --no-gpu. Everything through the real `apr`.
// Not claimed: that what the GPU computes is right (apr-cpu-vs-gpu-output-parity-v1, local-check-v1).
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { Falsifier, Part, PartContext } from '../src/runner/run/falsifier.ts';
import { dishonest } from './gpu-fallback-honesty-v1/faults.ts';
import { runWatched, type Watched } from './gpu-fallback-honesty-v1/watched-programs.ts';
import { tinyPath } from './kit/models/tiny-files.ts';

const SMALL = 'model.gguf';
const Q4_K = 'sums-2m.q4_k_m.gguf';
/** What every adapter's name is without. */
const NO_ADAPTER = 'no such adapter';

type Model = (context: PartContext) => string;
const untrained: Model = (context) => tinyPath(context, 'llama', SMALL);
const bundled: Model = (context) => context.model('model:sums-2m', Q4_K);

const run = (model: string): string[] => ['run', model, '--tokens', '1,5,9', '--temperature', '0', '--json'];
const COMMANDS: Readonly<Record<string, (model: string) => string[]>> = {
  run: (model) => [...run(model), '--max-tokens', '2'],
  check: (model) => ['check', model, '--tokens', '1,5', '--json'],
  trace: (model) => ['trace', model, '--tokens', '1,5', '--json'],
};

const isDeclined = ({ exitCode, stdout, stderr }: Watched, code: RegExp): boolean =>
  exitCode === 2 && stdout === '' && code.test(stderr);

/** 0 where the program declines with a reason and prints nothing that could pass for an answer. */
async function absent(context: PartContext, model: Model, command: string, engine: string): Promise<number> {
  const flags = engine === 'webgpu' ? ['--engine', 'webgpu', '--adapter', NO_ADAPTER] : ['--engine', engine];
  const ran = await runWatched(context, [...(COMMANDS[command]?.(model(context)) ?? []), ...flags]);
  return isDeclined(ran, /E_(ENGINE|ENGINE_ABSENT|GPU_ABSENT)\b/) ? 0 : 1;
}

interface Said {
  requested: string;
  ran: string;
  adapter: string | null;
  why: string;
}

/** 0 where the report names the engine and adapter that ran, and a process for a GPU was there if and only if one ran. */
async function said(context: PartContext, model: Model, command: string, engine: 'cpu' | 'webgpu'): Promise<number> {
  const flags = engine === 'cpu' ? ['--engine', 'cpu'] : context.engine;
  const { stdout, hosts } = await runWatched(context, [...(COMMANDS[command]?.(model(context)) ?? []), ...flags]);
  const report = JSON.parse(stdout === '' ? '{}' : stdout) as { executor?: Said; engine?: Said };
  const { requested, ran, adapter, why = '' } = report.executor ?? report.engine ?? ({} as Partial<Said>);
  const isRight = requested === engine && ran === engine && why !== '';
  const isNamed = engine === 'cpu' ? adapter === null : typeof adapter === 'string' && adapter.length > 0;
  return isRight && isNamed && hosts.length > 0 === (engine === 'webgpu') ? 0 : 1;
}

/** Long enough that it is never done before its process is killed. */
const LONG = 120;

/** 0 where the run ends in a typed error, says that the GPU is gone, and prints no answer. */
async function killed(context: PartContext, model: Model, delayMs: number): Promise<number> {
  const argv = [...run(model(context)), '--max-tokens', String(LONG), ...context.engine];
  let isLastKilled = false;
  const ran = await runWatched(context, argv, async (pid) => {
    await sleep(delayMs);
    isLastKilled = kill(pid);
  });
  const { exitCode, stdout, stderr } = ran;
  // A machine so fast that all was said before: then it says what ran.
  if (!isLastKilled)
    return exitCode === 0 && (JSON.parse(stdout) as { executor: Said }).executor.ran === 'webgpu' ? 0 : 1;
  // Killed while it was asked which adapter there is, it counts as absent.
  const isTyped = (exitCode === 3 && /E_GPU_DIED/.test(stderr)) || isDeclined(ran, /E_(ENGINE|GPU)_ABSENT/);
  return isTyped && stdout === '' && !/\n\s+at /.test(stderr) ? 0 : 1;
}

/** Whether it was still there. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

/** 0 where no process for a GPU was started; with the executor that the claim is about, where one was. */
async function withoutGpu(
  context: PartContext,
  model: Model,
  command: string,
  flags: readonly string[],
): Promise<number> {
  const { hosts, exitCode } = await runWatched(context, [...(COMMANDS[command]?.(model(context)) ?? []), ...flags]);
  const isWanted = flags === context.engine;
  return hosts.length > 0 === isWanted && (exitCode === 0 || command === 'check') ? 0 : 1;
}

const commands = fc.constantFrom('run', 'check', 'trace');
const NAMES = ['run', 'trace'];

const parts = (generated: Part['run'], planned: number, live: Part['run'], liveCases: number): Falsifier['parts'] => ({
  generated: { planned, run: generated },
  live: { needs: ['model:sums-2m'], planned: liveCases, run: live },
});

function each<Case>(
  cases: readonly Case[],
  measure: (context: PartContext, one: Case) => Promise<number>,
): Part['run'] {
  return async (context) => {
    for (const one of cases) context.measure(await measure(context, one), JSON.stringify(one));
  };
}

const ABSENT = [
  ['run', 'webgpu'],
  ['run', 'cuda'],
  ['check', 'webgpu'],
] as const;

const PRESENT: [string, 'cpu' | 'webgpu'][] = NAMES.flatMap((name): [string, 'cpu' | 'webgpu'][] => [
  [name, 'cpu'],
  [name, 'webgpu'],
]);

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-GPUFB-001': {
    parts: parts(
      async (context) => {
        const engines = fc.constantFrom('webgpu', 'webgpu', 'cuda', 'vulkan', 'gpu');
        await context.search(fc.tuple(commands, engines), context.planned - 1, ([command, engine]) =>
          absent(context, untrained, command, engine),
        );
        context.measure(await said(context, untrained, 'run', 'webgpu'), 'an adapter that is there');
      },
      7,
      async (context) => {
        for (const [command, engine] of ABSENT) {
          context.measure(await absent(context, bundled, command, engine), `${command}, ${engine}`);
        }
        context.measure(await said(context, bundled, 'run', 'webgpu'), 'an adapter that is there');
      },
      4,
    ),
    faults: dishonest('absent-engine-is-cpu declined-is-an-error'),
  },
  'FALSIFY-GPUFB-002': {
    parts: parts(
      each(PRESENT, (context, [command, engine]) => said(context, untrained, command, engine)),
      PRESENT.length,
      each(PRESENT, (context, [command, engine]) => said(context, bundled, command, engine)),
      PRESENT.length,
    ),
    faults: dishonest('report-says-cpu adapter-unnamed'),
  },
  'FALSIFY-GPUFB-003': {
    parts: parts(
      (context) =>
        context.search(fc.integer({ min: 0, max: 600 }), context.planned, (delayMs) =>
          killed(context, untrained, delayMs),
        ),
      4,
      each([0, 300, 900], (context, delayMs) => killed(context, bundled, delayMs)),
      3,
    ),
    faults: dishonest('death-is-untyped death-is-declined'),
  },
  'FALSIFY-GPUFB-004': {
    parts: parts(
      async (context) => {
        const flags = fc.constantFrom(['--no-gpu'], ['--engine', 'cpu']);
        await context.search(fc.tuple(commands, flags), context.planned - 1, ([command, chosen]) =>
          withoutGpu(context, untrained, command, chosen),
        );
        context.measure(await withoutGpu(context, untrained, 'run', context.engine), 'a run that asks for it');
      },
      5,
      async (context) => {
        for (const flags of [['--no-gpu'], ['--engine', 'cpu'], context.engine]) {
          context.measure(await withoutGpu(context, bundled, 'run', flags), flags.join(' '));
        }
      },
      3,
    ),
    faults: dishonest('no-gpu-ignored cpu-asks-the-gpu'),
  },
};
