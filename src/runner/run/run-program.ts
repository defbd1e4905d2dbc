// Starts `apr` or `pv` as a user would: the launcher, no shell, plain output. A planted fault travels in the
// environment, so the program that is started carries it too.
import { fileURLToPath } from 'node:url';
import { constants } from 'node:os';
import { execa } from 'execa';
import { RefuteError } from '../../errors.ts';
import type { ProgramResult } from './falsifier.ts';

/** A program that a falsifier starts must end within this; the part's own limit is longer. */
export const PROGRAM_TIME_LIMIT_MS = 300_000;
const OUTPUT_LIMIT_BYTES = 256 * 1024 * 1024;

export async function runProgram(
  name: 'apr' | 'pv',
  argv: readonly string[],
  options: { stdin?: string; cwd: string },
): Promise<ProgramResult> {
  const launcher = fileURLToPath(new URL(`../../../bin/${name}.js`, import.meta.url));
  return runArgv([process.execPath, launcher, ...argv], { ...options, timeLimitMs: PROGRAM_TIME_LIMIT_MS });
}

/** Runs an argument list without a shell. An exit code is an answer; not starting or not ending is an error. */
export async function runArgv(
  argv: readonly string[],
  options: { stdin?: string; cwd: string; timeLimitMs: number; signal?: AbortSignal },
): Promise<ProgramResult> {
  const [program = '', ...rest] = argv;
  const result = await execa(program, rest, {
    cwd: options.cwd,
    input: options.stdin ?? '',
    reject: false,
    stripFinalNewline: false,
    timeout: options.timeLimitMs,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_LIMIT_BYTES,
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    env: { NO_COLOR: '1', FORCE_COLOR: undefined },
  });
  const place = argv.join(' ');
  if (result.timedOut) {
    throw new RefuteError({ code: 'E_PROGRAM_TIME', place, is: `still running after ${options.timeLimitMs} ms` });
  }
  if (result.isMaxBuffer) {
    throw new RefuteError({ code: 'E_PROGRAM_OUTPUT', place, is: `more than ${OUTPUT_LIMIT_BYTES} bytes of output` });
  }
  if (result.exitCode === undefined && result.signal === undefined) {
    throw new RefuteError({ code: 'E_PROGRAM_START', place, is: result.shortMessage ?? 'cannot be started' });
  }
  const exitCode = result.exitCode ?? 128 + (result.signal === undefined ? 0 : constants.signals[result.signal]);
  return { exitCode, stdout: result.stdout, stderr: result.stderr };
}
