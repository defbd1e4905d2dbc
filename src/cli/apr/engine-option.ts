// `--engine` and `--no-gpu`: which executor a command runs on, the same flags with the same meaning everywhere.
import type { Command } from 'commander';
import { EXECUTORS, executorNamed } from '../../executors.ts';
import { usage } from './prompt.ts';

export interface EngineFlags {
  engine?: string;
  /** False with --no-gpu. */
  gpu: boolean;
}

export function addEngineOptions(command: Command): Command {
  const names = ['auto', ...EXECUTORS.map(({ id }) => id)].join(', ');
  return command
    .option('--engine <name>', `what runs the model: ${names} (default: auto)`)
    .option('--no-gpu', 'run on the CPU: --engine cpu');
}

/**
 * What to ask `openExecutor` for.
 *
 * @throws RefuteError E_ENGINE where there is no such engine, E_USAGE where the two flags contradict each other
 */
export function requestedEngine({ engine, gpu }: EngineFlags): string {
  if (!gpu && engine !== undefined && engine !== 'cpu') {
    throw usage('--no-gpu', `--engine ${engine} is given too`, 'it is another way to say --engine cpu');
  }
  if (engine !== undefined && engine !== 'auto') executorNamed(engine);
  return gpu ? (engine ?? 'auto') : 'cpu';
}
