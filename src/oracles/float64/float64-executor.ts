// The oracle for ops: runs a Program by its formulas in double precision, over the exact values of the stored weights.
// Slow and clear on purpose; shares no arithmetic with what it judges, not even float16. What it cannot see is a wrong
// program, which it would run as faithfully as any other.
import { checkProgram } from '../../engine/program/check-program.ts';
import type { Executor, OpenOptions, Session, WeightSource } from '../../engine/program/executor.ts';
import type { NumericProfile } from '../../engine/program/numeric-profile.ts';
import type { Program } from '../../engine/program/program.ts';
import { OpenSessions } from '../../engine/program/session-guard.ts';
import { Float64Session } from './float64-session.ts';
import { FLOAT64_PROFILE } from './float64-profile.ts';

/**
 * An `OpenExecutor<Float64Array>`. Keeps no weights: they are read in every run. @throws RefuteError E_PROGRAM,
 * E_PROGRAM_WEIGHT
 */
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
  readonly #sessions: OpenSessions<WeightSource, Float64Session>;
  readonly #chunkPositions: number;

  constructor(program: Program, weights: WeightSource, chunkPositions: number) {
    this.profile = { ...FLOAT64_PROFILE, chunkPositions };
    this.program = program;
    this.#sessions = new OpenSessions('float64 executor', program, weights);
    this.#chunkPositions = chunkPositions;
  }

  async openSession(contextLength: number): Promise<Session<Float64Array>> {
    return this.#sessions.open(
      contextLength,
      (weights, guard) => new Float64Session(weights, guard, this.#chunkPositions),
    );
  }

  async close(): Promise<void> {
    this.#sessions.close();
  }
}
