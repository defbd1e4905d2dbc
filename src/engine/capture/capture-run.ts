// One run from position 0 with every wanted stage handed to a sink: what `trace`, `check` and `parity` share.
import { bothTaps } from '../program/both-taps.ts';
import type { Executor, FloatArray, RunResult, Tap } from '../program/executor.ts';
import type { Stage } from '../program/program.ts';
import { StageCollector } from './collect.ts';
import type { Positions } from './select.ts';
import type { StageSink } from './sink.ts';

export interface CaptureRunOptions<Data extends FloatArray = Float32Array> {
  executor: Executor<Data>;
  tokens: readonly number[];
  /** Of the executor's own program. */
  stages: readonly Stage[];
  positions: Positions;
  sink: StageSink<Data>;
  /** Rows of the logits to return; none unless asked for. */
  logits?: 'all' | 'last' | 'none';
  /** Of another reader. */
  tap?: Tap<Data>;
  signal?: AbortSignal | undefined;
}

/** @throws RefuteError E_CAPTURE_INCOMPLETE and whatever executor or sink throw; the session is closed in any case */
export async function captureRun<Data extends FloatArray = Float32Array>(
  options: CaptureRunOptions<Data>,
): Promise<RunResult<Data>> {
  const { executor, tokens, stages, positions, sink, logits = 'none', tap, signal } = options;
  const { program } = executor;
  const collector = new StageCollector({ program, stages, positionCount: tokens.length, positions, sink });
  const session = await executor.openSession(tokens.length);
  try {
    const result = await session.run({
      tokens,
      logits,
      tap: tap === undefined ? collector.tap : bothTaps(collector.tap, tap),
      signal,
    });
    collector.finish();
    return result;
  } finally {
    session.close();
  }
}
