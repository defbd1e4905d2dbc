// llama.cpp with nothing watched, to be timed beside our own engines. What it computes is not looked at.
import type { SubjectOptions } from '../../../engine/program/executor.ts';
import type { Program } from '../../../engine/program/program.ts';
import { nameOf, startChild } from './start-child.ts';

/** Milliseconds of one run over all of a prompt, and of each token after it. */
export interface RunTimes {
  prefillMs: number;
  decodeMs: readonly number[];
}

/** By the clock of its own process. */
interface LlamaCppTimer {
  /** Release, CPU build, options. */
  readonly name: string;
  time(tokens: readonly number[], decoded: readonly number[]): Promise<RunTimes>;
  close(): Promise<void>;
}

/** @throws as `openLlamaCppExecutor` */
export async function openLlamaCppTimer(
  program: Program,
  subject: SubjectOptions,
  signal: AbortSignal,
): Promise<LlamaCppTimer> {
  const { child, ...started } = await startChild(program, subject, {});
  return {
    name: nameOf(started),
    async time(tokens, decoded) {
      const payload = await child.ask({ type: 'time', tokens, decoded }, () => undefined, signal);
      const [prefillMs = Number.NaN, ...decodeMs] = new Float32Array(Uint8Array.from(payload).buffer);
      return { prefillMs, decodeMs };
    },
    close: () => child.close(),
  };
}
