// One check of an executor: run it once with every op tapped and judged, again on a second input where something was
// suspect, and put verdict, coverage, verification and blind spots together. No files, no output.
import type { Executor, FloatArray, Session, WeightSource } from '../../engine/program/executor.ts';
import type { Op, Program } from '../../engine/program/program.ts';
import { RandomSource } from '../../engine/text/random-source.ts';
import type { Pack } from '../recordings/open-pack.ts';
import { arithmeticOf, type Arithmetic } from '../reference/arithmetic.ts';
import { blindSpots } from './blind-spots.ts';
import { Judge, type OpResult } from './judge.ts';
import { compareRuns, runSegments, type PathFault } from './run-plan.ts';
import { coverageOf, verdictOf, type CheckVerdict, type Coverage, type Stretch } from './verdict.ts';
import { verifyProgram, type Verification } from './verify-program.ts';

export interface CheckReport extends CheckVerdict {
  /** `isDeclared`: not assumed. */
  arithmetic: { name: string; isDeclared: boolean };
  verification: Verification;
  coverage: Coverage;
  results: OpResult[];
  /** Stretches of ops that were judged as one. */
  brackets: Stretch[];
  /** Ops that were suspect on both inputs. */
  confirmed: string[];
  blindSpots: string[];
}

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
  hasFreeRun: boolean;
  /** Stops the check within a step. */
  signal?: AbortSignal | undefined;
  onProgress?: (op: Op, index: number, count: number) => void;
}

export async function checkModel(options: CheckOptions): Promise<CheckReport> {
  const { executor, program, tokens, packs, verifyOn, original, signal } = options;
  const arithmetic = arithmeticOf(executor.profile);
  const verification = await verifyProgram({ program, weights: verifyOn, packs, contextLength: tokens.length, signal });
  const { results, fault: pathFault } = await judgeRun(options, arithmetic, tokens, options.hasFreeRun);
  const confirmed = await confirm(options, arithmetic, results);
  const coverage = coverageOf(program, results);
  const logits = results.find(({ value }) => value === program.logits);
  const logitShare = original === null ? null : (logits?.split?.shares?.weightQuantization ?? null);
  const verdict = verdictOf({
    program,
    results,
    brackets: [],
    coverage,
    verification,
    confirmed,
    logitShare,
    pathFault,
  });
  return {
    ...verdict,
    arithmetic: { name: arithmetic.name, isDeclared: true },
    verification,
    coverage,
    results,
    brackets: [],
    confirmed: [...confirmed],
    blindSpots: blindSpots(program, tokens, executor.profile, false),
  };
}

async function judgeRun(
  { executor, program, weights, original, signal, onProgress }: CheckOptions,
  arithmetic: Arithmetic,
  tokens: readonly number[],
  hasFreeRun: boolean,
): Promise<{ results: OpResult[]; fault: PathFault | null }> {
  const progress = onProgress === undefined ? {} : { onProgress };
  const judge = new Judge({ program, weights, tokens, arithmetic, hasFreeRun, original, ...progress });
  const watched = await inSession(executor, tokens.length, (session) =>
    runSegments(session, tokens, withKnownValues(judge.tap, executor.program), signal),
  );
  const results = judge.finish();
  if (watched.fault !== null) return { results, fault: watched.fault };
  const unwatched = await inSession(executor, tokens.length, (session) => runSegments(session, tokens, null, signal));
  return { results, fault: unwatched.fault ?? compareRuns(watched.logits, unwatched.logits) };
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

/** A value that the engine's program does not have cannot be tapped; it is missing from the coverage. */
function withKnownValues(tap: Judge['tap'], { values }: Program): Judge['tap'] {
  const known = new Set(values.map(({ id }) => id));
  return { ...tap, values: new Set([...tap.values].filter((id) => known.has(id))) };
}

/** An op that is suspect on a second input too, the first one shuffled, is a bug and not an accident. */
async function confirm(
  options: CheckOptions,
  arithmetic: Arithmetic,
  results: readonly OpResult[],
): Promise<Set<string>> {
  const suspects = new Set(results.filter(({ status }) => status === 'suspect').map(({ value }) => value));
  if (suspects.size === 0 || results.some(({ status }) => status === 'faulty')) return new Set();
  const { results: again } = await judgeRun(options, arithmetic, shuffled(options.tokens), false);
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
