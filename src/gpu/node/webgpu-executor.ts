// The WebGPU engine in Node, behind the seam of executors: finds an adapter, starts a process for it, and passes on what it
// is asked and what comes back.
import { RefuteError } from '../../errors.ts';
import { checkProgram } from '../../engine/program/check-program.ts';
import type {
  Connection,
  Executor,
  OpenOptions,
  RunRequest,
  RunResult,
  Session,
  WeightInfo,
  WeightSource,
} from '../../engine/program/executor.ts';
import type { NumericProfile } from '../../engine/program/numeric-profile.ts';
import type { Program } from '../../engine/program/program.ts';
import { OpenSessions, type SessionGuard } from '../../engine/program/session-guard.ts';
import { GpuProcess, type OnQuestion } from './gpu-process.ts';
import type { FoundAdapter } from './messages.ts';
import { softwareAdapter } from './software-adapter.ts';

/** The name by which the adapter in software is asked for. */
export const SOFTWARE = 'swiftshader';

/** @param wanted a part of an adapter's name; undefined: a real one */
export async function probeWebgpu(wanted?: string): Promise<{ adapter: string } | { absent: string }> {
  const connection = await connectWebgpu(wanted);
  if ('absent' in connection) return connection;
  connection.close();
  return { adapter: connection.adapter };
}

/** @throws RefuteError E_GPU_ABSENT (declined), E_PROGRAM, E_PROGRAM_WEIGHT, E_GPU_MEMORY, E_GPU_DIED and others of the GPU */
export async function openNodeWebgpuExecutor(
  program: Program,
  weights: WeightSource,
  { adapter, ...options }: OpenOptions = {},
): Promise<Executor> {
  checkProgram(program, weights);
  const process = await startProcess(adapter);
  if ('absent' in process)
    throw new RefuteError({ code: 'E_GPU_ABSENT', place: '--engine webgpu', is: process.absent }, 2);
  const { gpu } = process;
  try {
    return await openOn(gpu, () => gpu.close(), program, weights, options);
  } catch (error) {
    gpu.close();
    throw error;
  }
}

/** @param wanted as for `probeWebgpu` */
export async function connectWebgpu(wanted?: string): Promise<Connection<Float32Array> | { absent: string }> {
  const process = await startProcess(wanted);
  if ('absent' in process) return process;
  const { gpu, found } = process;
  return {
    adapter: found.name,
    open: async (program, weights, options = {}) => {
      checkProgram(program, weights);
      // A process that has died holds nothing.
      const release = (executor: number): unknown =>
        gpu.ask({ type: 'closeExecutor', executor }).catch(() => undefined);
      return openOn(gpu, release, program, weights, options);
    },
    close: () => gpu.close(),
  };
}

async function openOn(
  gpu: GpuProcess,
  release: (executor: number) => unknown,
  program: Program,
  weights: WeightSource,
  options: OpenOptions,
): Promise<Executor> {
  const infos = program.weights.map(({ name }) => weights.info(name)).filter((info) => info !== undefined);
  const request = { type: 'open', program, weights: infos satisfies WeightInfo[], options } as const;
  const opened = (await gpu.ask(request, weightsFrom(weights))) as OpenedExecutor;
  return new NodeWebgpuExecutor(gpu, () => release(opened.executor), program, opened);
}

interface OpenedExecutor {
  /** By which the process knows it. */
  executor: number;
  adapter: string;
  profile: NumericProfile;
}

async function startProcess(
  wanted: string | undefined,
): Promise<{ gpu: GpuProcess; found: FoundAdapter } | { absent: string }> {
  const isSoftware = wanted?.toLowerCase() === SOFTWARE;
  const software = isSoftware ? await softwareAdapter() : null;
  if (software !== null && 'absent' in software) return software;
  const gpu = new GpuProcess(software?.env);
  const found = (await gpu.ask({ type: 'find' }).catch((error: Error) => error)) as FoundAdapter | Error | null;
  const why = reasonAgainst(found, wanted);
  if (found === null || found instanceof Error || why !== null) {
    gpu.close();
    return { absent: why ?? 'there is no WebGPU adapter' };
  }
  return { gpu, found };
}

function reasonAgainst(found: FoundAdapter | Error | null, wanted: string | undefined): string | null {
  if (found instanceof Error) return found.message;
  if (found === null) return 'there is no WebGPU adapter';
  const { name, isSoftware } = found;
  if (wanted === undefined)
    return isSoftware ? `the only adapter is ${name}, in software; --adapter asks for it` : null;
  return name.toLowerCase().includes(wanted.toLowerCase()) ? null : `the adapter is ${name}, not ${wanted}`;
}

function weightsFrom(weights: WeightSource): OnQuestion {
  return async (question) => {
    if (!('weight' in question)) return undefined;
    const { name, byteOffset, byteLength } = question.weight;
    const bytes = new Uint8Array(byteLength);
    await weights.read(name, byteOffset, bytes);
    return bytes;
  };
}

class NodeWebgpuExecutor implements Executor {
  readonly id = 'webgpu';
  readonly adapter: string;
  readonly profile: NumericProfile;
  readonly program: Program;
  readonly #release: () => unknown;
  readonly #number: number;
  readonly #sessions: OpenSessions<GpuProcess, NodeWebgpuSession>;

  constructor(gpu: GpuProcess, release: () => unknown, program: Program, opened: OpenedExecutor) {
    this.#release = release;
    this.#number = opened.executor;
    this.adapter = opened.adapter;
    this.profile = opened.profile;
    this.program = program;
    this.#sessions = new OpenSessions('webgpu executor', program, gpu);
  }

  async openSession(contextLength: number): Promise<Session> {
    return this.#sessions
      .open(contextLength, (gpu, guard) => new NodeWebgpuSession(gpu, this.#number, guard))
      .prepare();
  }

  async close(): Promise<void> {
    this.#sessions.close();
    await this.#release();
  }
}

class NodeWebgpuSession implements Session {
  readonly #gpu: GpuProcess;
  readonly #executor: number;
  readonly #guard: SessionGuard;
  #number = 0;

  constructor(gpu: GpuProcess, executor: number, guard: SessionGuard) {
    this.#gpu = gpu;
    this.#executor = executor;
    this.#guard = guard;
  }

  /** @throws RefuteError E_GPU_MEMORY, E_GPU_KERNEL, E_GPU_LOST, E_GPU_DIED */
  async prepare(): Promise<this> {
    try {
      const { contextLength } = this.#guard;
      this.#number = (await this.#gpu.ask({ type: 'openSession', executor: this.#executor, contextLength })) as number;
      return this;
    } catch (error) {
      this.#guard.close();
      throw error;
    }
  }

  get positionCount(): number {
    return this.#guard.positionCount;
  }

  run(request: RunRequest): Promise<RunResult> {
    const { tokens, logits, tap, signal } = request;
    const tapped = [...(tap?.values ?? [])];
    const onQuestion: OnQuestion = async (question) => {
      signal?.throwIfAborted();
      if ('value' in question) {
        const { value, data, firstPosition } = question.value;
        await tap?.onValue(value, data, firstPosition);
      }
      return undefined;
    };
    return this.#guard.run(request, async (firstPosition) => {
      const session = this.#number;
      const run = { type: 'run', session, firstPosition, tokens, logits, tapped } as const;
      return (await this.#gpu.ask(run, onQuestion, signal)) as Float32Array;
    });
  }

  truncate(positionCount: number): void {
    this.#guard.truncate(positionCount);
  }

  close(): void {
    if (!this.#guard.close() || this.#number === 0) return;
    this.#gpu.ask({ type: 'closeSession', session: this.#number }).catch(() => undefined);
  }
}
