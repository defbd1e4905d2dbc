// The oracle for ops: runs a Program by its formulas in double precision, over the exact values of the stored weights.
// Slow and clear on purpose; shares no arithmetic with what it judges, not even float16. What it cannot see is a wrong
// program, which it would run as faithfully as any other.
import { RefuteError } from '../../errors.ts';
import { checkProgram } from '../../engine/program/check-program.ts';
import type { Executor, OpenOptions, Session, WeightSource } from '../../engine/program/executor.ts';
import type { NumericProfile } from '../../engine/program/numeric-profile.ts';
import type { Program } from '../../engine/program/program.ts';
import { Float64Session } from './float64-session.ts';
import { FLOAT64_PROFILE } from './float64-profile.ts';

/** An `OpenExecutor<Float64Array>`. Keeps no weights: they are read in every run. @throws RefuteError E_PROGRAM, E_PROGRAM_WEIGHT */
export async function openFloat64Executor(
  program: Program,
  weights: WeightSource,
  { chunkPositions = FLOAT64_PROFILE.chunkPositions }: OpenOptions = {},
): Promise<Executor<Float64Array>> {
  checkProgram(program, weights);
  return new Float64Executor(program, weights, chunkPositions);
}

class Float64Executor implements Executor<Float64Array> {
  readonly id = 'float64';
  readonly adapter = null;
  readonly profile: NumericProfile;
  readonly program: Program;
  readonly #weights: WeightSource;
  readonly #chunkPositions: number;
  readonly #sessions = new Set<Float64Session>();
  #isClosed = false;

  constructor(program: Program, weights: WeightSource, chunkPositions: number) {
    this.profile = { ...FLOAT64_PROFILE, chunkPositions };
    this.program = program;
    this.#weights = weights;
    this.#chunkPositions = chunkPositions;
  }

  async openSession(contextLength: number): Promise<Session<Float64Array>> {
    if (this.#isClosed) {
      throw new RefuteError({ code: 'E_EXECUTOR_CLOSED', place: 'float64 executor', is: 'it is closed' });
    }
    if (!Number.isSafeInteger(contextLength) || contextLength < 1 || contextLength > this.program.contextLength) {
      throw new RefuteError({
        code: 'E_CONTEXT_LENGTH',
        place: 'float64 executor',
        is: `a session of ${contextLength} positions is asked for`,
        allowed: `the model takes 1 to ${this.program.contextLength}`,
      });
    }
    const limits = { contextLength, chunkPositions: this.#chunkPositions };
    const session = new Float64Session(this.program, this.#weights, limits, (closed) => this.#sessions.delete(closed));
    this.#sessions.add(session);
    return session;
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.close();
    this.#isClosed = true;
  }
}
