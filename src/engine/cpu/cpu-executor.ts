// The production engine: WebAssembly SIMD kernels over weights as stored, in as many memories as the model needs.
import { MAX_MEMORY_BYTES } from './kernels/kernel-memory.ts';
import { checkProgram } from '../program/check-program.ts';
import type { Executor, OpenOptions, Session, WeightSource } from '../program/executor.ts';
import type { NumericProfile } from '../program/numeric-profile.ts';
import type { Program } from '../program/program.ts';
import { OpenSessions } from '../program/session-guard.ts';
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
  readonly #sessions: OpenSessions<LoadedProgram, CpuSession>;

  constructor(loaded: LoadedProgram) {
    this.profile = { ...CPU_PROFILE, chunkPositions: loaded.chunkPositions };
    this.program = loaded.program;
    this.bankCount = loaded.banks.length;
    this.#sessions = new OpenSessions('cpu executor', loaded.program, loaded);
  }

  async openSession(contextLength: number): Promise<Session> {
    return this.#sessions.open(contextLength, (loaded, guard) => new CpuSession(loaded, guard));
  }

  async close(): Promise<void> {
    this.#sessions.close();
  }
}
