// The WebGPU engine: WGSL kernels over weights as stored, on any adapter that speaks WebGPU. Needs a device; who finds one
// (a page's own navigator, a process with Dawn) is not known here.
import { checkProgram } from '../engine/program/check-program.ts';
import type { Executor, OpenOptions, Session, WeightSource } from '../engine/program/executor.ts';
import type { NumericProfile } from '../engine/program/numeric-profile.ts';
import type { Program } from '../engine/program/program.ts';
import { OpenSessions } from '../engine/program/session-guard.ts';
import type { GpuDevice } from './device.ts';
import { loadProgram, type GpuProgram, type RunOptions } from './load-program.ts';
import { WEBGPU_PROFILE } from './webgpu-profile.ts';
import { WebgpuSession } from './webgpu-session.ts';

/** The device stays open after it: others may be on it. @throws RefuteError E_PROGRAM, E_PROGRAM_WEIGHT, those of the device */
export async function openWebgpuExecutor(
  gpu: GpuDevice,
  program: Program,
  weights: WeightSource,
  {
    chunkPositions = WEBGPU_PROFILE.chunkPositions,
    isChecked = false,
    readbackBytes,
  }: OpenOptions & Pick<RunOptions, 'readbackBytes'> = {},
): Promise<Executor> {
  checkProgram(program, weights);
  return new WebgpuExecutor(await loadProgram(gpu, program, weights, { chunkPositions, isChecked, readbackBytes }));
}

class WebgpuExecutor implements Executor {
  readonly id = 'webgpu';
  readonly adapter: string;
  readonly profile: NumericProfile;
  readonly program: Program;
  readonly #loaded: GpuProgram;
  readonly #sessions: OpenSessions<GpuProgram, WebgpuSession>;

  constructor(loaded: GpuProgram) {
    this.adapter = loaded.gpu.name;
    this.profile = { ...WEBGPU_PROFILE, chunkPositions: loaded.chunkPositions };
    this.program = loaded.program;
    this.#loaded = loaded;
    this.#sessions = new OpenSessions('webgpu executor', loaded.program, loaded);
  }

  async openSession(contextLength: number): Promise<Session> {
    return this.#sessions.open(contextLength, (loaded, guard) => new WebgpuSession(loaded, guard)).prepare();
  }

  async close(): Promise<void> {
    this.#sessions.close();
    this.#loaded.buffers.release();
  }
}
