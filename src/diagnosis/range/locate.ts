// Looks for the place again: a run that ended in NaN, or in numbers that say nothing, is repeated with every value shown.
import type { Executor, FloatArray } from '../../engine/program/executor.ts';
import { reportOfBreach, type RangeReport, type ReportContext } from './report.ts';
import { RangeWatch } from './watch.ts';

/** null: every value stays in its range, or what leaves it is not shown. */
export async function locateBreach(
  executor: Executor<FloatArray>,
  tokens: readonly number[],
  context: Omit<ReportContext, 'profile'> & { contextLength: number; signal?: AbortSignal | undefined },
): Promise<RangeReport | null> {
  const { program, hidden, profile } = executor;
  const watch = new RangeWatch(program, context.weights, (value) => hidden?.has(value) !== true);
  const session = await executor.openSession(context.contextLength);
  try {
    await session.run({ tokens, logits: 'none', tap: watch.tap, signal: context.signal });
  } finally {
    session.close();
  }
  return watch.breach === null ? null : reportOfBreach(watch.breach, { ...context, profile });
}
