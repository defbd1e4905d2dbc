// The production engine: WebAssembly SIMD kernels over weights as stored, in as many memories as the model needs.
import { RefuteError } from '../../errors.ts';
import { MAX_MEMORY_BYTES } from './kernels/kernel-memory.ts';
import { checkProgram } from '../program/check-program.ts';
import type { Executor, OpenOptions, Session, WeightSource } from '../program/executor.ts';
import type { NumericProfile } from '../program/numeric-profile.ts';
import type { Program } from '../program/program.ts';
import { CpuSession } from './cpu-session.ts';
import { loadProgram, type LoadedProgram } from './load-program.ts';
import { CPU_PROFILE } from './cpu-profile.ts';

/** None of them changes a bit of any result. */
export interface CpuOptions extends OpenOptions {
  /** Size of one memory; weights that do not fit go to the next. At most 4 GiB less a page, which is the default. */
  bankByteLimit?: number;
}

export interface CpuExecutor extends Executor {
  /** Memories that the weights are spread over. */
  readonly bankCount: number;
}

/** An `OpenExecutor`. @throws RefuteError E_PROGRAM, E_PROGRAM_WEIGHT, E_BANK_TOO_SMALL, E_KERNEL_MISSING */
export async function openCpuExecutor(
  program: Program,
  weights: WeightSource,
  { bankByteLimit = MAX_MEMORY_BYTES, chunkPositions = CPU_PROFILE.chunkPositions }: CpuOptions = {},
): Promise<CpuExecutor> {
  checkProgram(program, weights);
  const limit = Math.min(bankByteLimit, MAX_MEMORY_BYTES);
  return new LoadedExecutor(await loadProgram(program, weights, { bankByteLimit: limit, chunkPositions }));
}

class LoadedExecutor implements CpuExecutor {
  readonly id = 'cpu';
  readonly adapter = null;
  readonly profile: NumericProfile;
  readonly program: Program;
  readonly bankCount: number;
  #loaded: LoadedProgram | null;
  readonly #sessions = new Set<CpuSession>();

  constructor(loaded: LoadedProgram) {
    this.profile = { ...CPU_PROFILE, chunkPositions: loaded.chunkPositions };
    this.program = loaded.program;
    this.bankCount = loaded.banks.length;
    this.#loaded = loaded;
  }

  async openSession(contextLength: number): Promise<Session> {
    if (this.#loaded === null) {
      throw new RefuteError({ code: 'E_EXECUTOR_CLOSED', place: 'cpu executor', is: 'it is closed' });
    }
    if (!Number.isSafeInteger(contextLength) || contextLength < 1 || contextLength > this.program.contextLength) {
      throw new RefuteError({
        code: 'E_CONTEXT_LENGTH',
        place: 'cpu executor',
        is: `a session of ${contextLength} positions is asked for`,
        allowed: `the model takes 1 to ${this.program.contextLength}`,
      });
    }
    const session = new CpuSession(this.#loaded, contextLength, () => this.#sessions.delete(session));
    this.#sessions.add(session);
    return session;
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.close();
    this.#loaded = null;
  }
}
