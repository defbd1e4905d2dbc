// llama.cpp as the claims about it open it, and everything that it shows of one run.
import { captureRun } from '../../src/engine/capture/capture-run.ts';
import { valuesOf } from '../../src/engine/capture/collect.ts';
import { MemorySink } from '../../src/engine/capture/sink.ts';
import type { Model } from '../../src/engine/model/model.ts';
import type { SubjectOptions } from '../../src/engine/program/executor.ts';
import { openLlamaCppExecutor } from '../../src/oracles/external/llama-cpp-subject/llama.cpp-executor.ts';
import type { LlamaCppExecutor } from '../../src/oracles/external/llama-cpp-subject/llama.cpp-executor.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { withEngines, type Engines } from '../kit/claims/engine-runs.ts';
import type { Stages } from '../kit/claims/hf-parity.ts';

export const NEEDS = ['oracle:llama.cpp'] as const;

/** Of the generated models all but the one whose heads have a width of their own, which llama.cpp's qwen2 does not take. */
export const VARIANTS = [0, 1, 3, 4, 5] as const;

interface Subjects {
  engines: Engines;
  /** One per model and options, kept open. */
  open: (model: Model, options?: Omit<SubjectOptions, 'modelPath'>) => Promise<LlamaCppExecutor>;
}

/** Runs `use` with models and subjects that are closed afterwards. */
export async function withSubjects(context: PartContext, use: (subjects: Subjects) => Promise<void>): Promise<void> {
  const executors = new Map<string, Promise<LlamaCppExecutor>>();
  const open: Subjects['open'] = async ({ program, weights, path }, options = {}) => {
    const subject = { modelPath: path, ...options };
    const key = JSON.stringify(subject);
    const opened = executors.get(key) ?? openLlamaCppExecutor(program, weights, { subject });
    executors.set(key, opened);
    const executor = await opened;
    context.oracle({ name: 'llama.cpp', version: executor.versions['llama.cpp'] ?? '' });
    return executor;
  };
  await withEngines(context, async (engines) => {
    try {
      await use({ engines, open });
    } finally {
      for (const executor of executors.values()) await (await executor).close();
    }
  });
}

/** Ids of all values that it shows. */
export function shownValues({ program, hidden }: LlamaCppExecutor): string[] {
  return program.values.flatMap(({ id }) => (hidden.has(id) ? [] : [id]));
}

/** What it does not show is not in it, whether it should be or not. */
export async function shownStages(executor: LlamaCppExecutor, tokens: readonly number[]): Promise<Stages> {
  const { program, hidden } = executor;
  const stages = program.stages.filter((stage) => [...valuesOf([stage])].every((value) => !hidden.has(value)));
  const sink = new MemorySink();
  await captureRun({ executor, tokens, stages, positions: 'all', sink });
  return new Map([...sink.stages].map(([id, { data, shape }]) => [id, { data, width: shape.at(-1) ?? 1 }]));
}
