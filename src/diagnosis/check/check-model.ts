// One check of an executor: run it once with every op tapped and judged, again on a second input where something was
// suspect, and put verdict, coverage, verification and blind spots together. No files, no output.
import type { Executor, FloatArray, Session, WeightSource } from '../../engine/program/executor.ts';
import { bothTaps } from '../../engine/program/both-taps.ts';
import type { OddWeight } from '../../engine/model/odd-weights.ts';
import type { DeclaredFormats } from '../../engine/program/numeric-profile.ts';
import type { Op, Program, ValueId } from '../../engine/program/program.ts';
import { RandomSource } from '../../engine/text/random-source.ts';
import type { Pack } from '../recordings/open-pack.ts';
import { reportOfBreach, type RangeReport } from '../range/report.ts';
import { RangeWatch } from '../range/watch.ts';
import { blindSpots } from './blind-spots.ts';
import { Judge, type OpResult } from './judge.ts';
import { compareRuns, runSegments, type PathFault } from './run-plan.ts';
import { reportOf, type CheckReport } from './report.ts';
import { verifyProgram } from './verify-program.ts';

export type { CheckReport } from './report.ts';

export interface CheckOptions {
  executor: Executor<FloatArray>;
  /** The judge's own, from a source that a fault under test has not touched. */
  program: Program;
  weights: WeightSource;
  tokens: readonly number[];
  /** Weights before quantisation, of the same program. */
  original: WeightSource | null;
  /** Unquantised weights on which the program can be compared with packs; null: none. */
  verifyOn: WeightSource | null;
  packs: readonly Pack[];
  /** Instead of what the engine declares of itself. */
  formats?: DeclaredFormats | undefined;
  hasFreeRun: boolean;
  /** What is odd about the weights, where they were looked at. */
  oddWeights?: readonly OddWeight[] | undefined;
  /** What the file calls a weight. */
  nameOf?: ((weight: string) => string) | undefined;
  /** Stops the check within a step. */
  signal?: AbortSignal | undefined;
  onProgress?: (op: Op, index: number, count: number) => void;
}

export async function checkModel(options: CheckOptions): Promise<CheckReport> {
  const { executor, program, tokens, packs, verifyOn, original, signal } = options;
  const { profile, undeclared = [] } = executor;
  const formats = options.formats ?? { profile, undeclared };
  const verification = await verifyProgram({ program, weights: verifyOn, packs, contextLength: tokens.length, signal });
  const { judge, watch, fault: pathFault } = await judgeRun(options, formats, tokens, options.hasFreeRun);
  return reportOf({
    program,
    judge,
    formats,
    isDeclared: undeclared.length === 0 || options.formats !== undefined,
    verification,
    confirmed: await confirm(options, formats, judge.finish()),
    hasOriginal: original !== null,
    pathFault,
    oddWeights: options.oddWeights ?? [],
    outOfRange: await rangeReport(watch, options, formats),
    blindSpots: blindSpots(program, tokens, profile, false),
  });
}

async function judgeRun(
  { executor, program, weights, original, signal, onProgress }: CheckOptions,
  formats: DeclaredFormats,
  tokens: readonly number[],
  hasFreeRun: boolean,
): Promise<{ judge: Judge; watch: RangeWatch; fault: PathFault | null }> {
  const progress = onProgress === undefined ? {} : { onProgress };
  const isShown = shownBy(executor);
  const judge = new Judge({ program, weights, tokens, formats, hasFreeRun, original, isShown, ...progress });
  const watch = new RangeWatch(program, weights, isShown);
  const watched = await inSession(executor, tokens.length, (session) =>
    runSegments(session, tokens, bothTaps(judge.tap, watch.tap), signal),
  );
  if (watched.fault !== null) return { judge, watch, fault: watched.fault };
  const unwatched = await inSession(executor, tokens.length, (session) => runSegments(session, tokens, null, signal));
  return { judge, watch, fault: unwatched.fault ?? compareRuns(watched.logits, unwatched.logits) };
}

export async function rangeReport(
  { breach }: RangeWatch,
  { weights, nameOf }: Pick<CheckOptions, 'weights' | 'nameOf'>,
  { profile }: DeclaredFormats,
): Promise<RangeReport | null> {
  return breach === null ? null : reportOfBreach(breach, { weights, nameOf, profile });
}

async function inSession<Result>(
  executor: Executor<FloatArray>,
  contextLength: number,
  use: (session: Session<FloatArray>) => Promise<Result>,
): Promise<Result> {
  const session = await executor.openSession(contextLength);
  try {
    return await use(session);
  } finally {
    session.close();
  }
}

/** A value that the engine's program does not have cannot be tapped, as one that it hides. */
function shownBy({ program, hidden }: Executor<FloatArray>): (value: ValueId) => boolean {
  const known = new Set(program.values.map(({ id }) => id));
  return (value) => known.has(value) && hidden?.has(value) !== true;
}

/** An op that is suspect on a second input too, the first one shuffled, is a bug and not an accident. */
async function confirm(
  options: CheckOptions,
  formats: DeclaredFormats,
  results: readonly OpResult[],
): Promise<Set<string>> {
  const suspects = new Set(results.filter(({ status }) => status === 'suspect').map(({ value }) => value));
  if (suspects.size === 0 || results.some(({ status }) => status === 'faulty')) return new Set();
  const { judge } = await judgeRun(options, formats, shuffled(options.tokens), false);
  const again = judge.finish();
  return new Set(
    again.filter(({ value, status }) => status !== 'healthy' && suspects.has(value)).map(({ value }) => value),
  );
}

/** The same tokens in an order that follows from them alone, so that a check can be repeated. */
function shuffled(tokens: readonly number[]): number[] {
  const order = [...tokens];
  const random = new RandomSource(tokens.length);
  for (let i = order.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random.nextUnit() * (i + 1));
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}
