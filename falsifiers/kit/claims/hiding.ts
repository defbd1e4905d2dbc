// The engine as a subject that does not show all of its values.
import type { Executor, FloatArray } from '../../../src/engine/program/executor.ts';
import type { ValueId } from '../../../src/engine/program/program.ts';

/** The same executor, closed with it. */
export function hiding<Data extends FloatArray>(
  executor: Executor<Data>,
  hidden: ReadonlySet<ValueId>,
): Executor<Data> {
  const { id, adapter, program, profile } = executor;
  return {
    id,
    adapter,
    program,
    profile,
    hidden,
    openSession: (contextLength) => executor.openSession(contextLength),
    close: () => executor.close(),
  };
}
