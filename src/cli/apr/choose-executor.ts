// Which executor a command runs on, and why: the answer is part of every output, so that a run on the CPU never
// passes for one on a GPU.
import { openCpuExecutor, type Executor, type ExecutorId, type Model } from '../../engine/index.ts';

export interface ExecutorReport {
  /** `auto` unless a flag says otherwise. */
  requested: 'auto' | ExecutorId;
  ran: ExecutorId;
  /** The GPU adapter by name; null on the CPU. */
  adapter: string | null;
  why: string;
}

export interface ChosenExecutor {
  executor: Executor;
  report: ExecutorReport;
}

/** The caller closes the executor. */
export async function openChosenExecutor(
  model: Pick<Model, 'program' | 'weights'>,
  requested: ExecutorReport['requested'],
): Promise<ChosenExecutor> {
  const executor = await openCpuExecutor(model.program, model.weights);
  const why = requested === 'cpu' ? 'asked for' : 'auto is the CPU';
  return { executor, report: { requested, ran: executor.id, adapter: executor.adapter, why } };
}
