// The WebGPU engine in Node, behind the seam of executors: finds an adapter, starts a process for it, and passes on what it
// is asked and what comes back.
import { RefuteError } from '../../errors.ts';
import { checkProgram } from '../../engine/program/check-program.ts';
import type {
  Connection,
  EngineIdentity,
  Executor,
  GreedyResult,
  OpenOptions,
  RunRequest,
  RunResult,
  Session,
  StepUsage,
  WeightInfo,
  WeightSource,
} from '../../engine/program/executor.ts';
import type { NumericProfile } from '../../engine/program/numeric-profile.ts';
import type { Program } from '../../engine/program/program.ts';
import { OpenSessions, type SessionGuard } from '../../engine/program/session-guard.ts';
import { GpuProcess, type OnQuestion } from './gpu-process.ts';
import type { FoundAdapter, FoundAdapters, GreedyAnswer, Request, RunAnswer } from './messages.ts';
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

/** @throws RefuteError E_ENGINE_ABSENT (declined), E_PROGRAM, E_PROGRAM_WEIGHT, E_GPU_MEMORY, E_GPU_DIED and others of the GPU */
export async function openNodeWebgpuExecutor(
  program: Program,
  weights: WeightSource,
  { adapter, ...options }: OpenOptions = {},
): Promise<Executor> {
  checkProgram(program, weights);
  const process = await startProcess(adapter);
  if ('absent' in process) {
    const next = '--engine cpu runs on the CPU';
    throw new RefuteError({ code: 'E_ENGINE_ABSENT', place: '--engine webgpu', is: process.absent, next }, 2);
  }
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
  { signal, ...options }: OpenOptions,
): Promise<Executor> {
  const infos = program.weights.map(({ name }) => weights.info(name)).filter((info) => info !== undefined);
  const request = { type: 'open', program, weights: infos satisfies WeightInfo[], options } as const;
  const opened = (await gpu.ask(request, weightsFrom(weights), signal)) as OpenedExecutor;
  return new NodeWebgpuExecutor(gpu, program, opened, { release: () => release(opened.executor), signal });
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
  const request = { type: 'find', ...(wanted === undefined ? {} : { wanted }) } as const;
  const found = (await gpu.ask(request).catch((error: Error) => error)) as FoundAdapters | Error;
  if (found instanceof Error || found.chosen === null) {
    gpu.close();
    return { absent: found instanceof Error ? found.message : whyNone(found, wanted) };
  }
  return { gpu, found: found.chosen };
}

function whyNone({ there }: FoundAdapters, wanted: string | undefined): string {
  if (there.length === 0) return `there is no WebGPU adapter; --adapter ${SOFTWARE} runs one in software`;
  const names = there.map(({ name, isSoftware }) => (isSoftware ? `${name}, in software` : name)).join('; ');
  if (wanted !== undefined) return `no adapter's name has ${JSON.stringify(wanted)} in it; there is ${names}`;
  return `the only adapter is ${names}; --adapter asks for it`;
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
  readonly #gpu: GpuProcess;
  readonly #release: () => unknown;
  readonly #number: number;
  readonly #signal: AbortSignal | undefined;
  readonly #sessions: OpenSessions<GpuProcess, NodeWebgpuSession>;

  constructor(
    gpu: GpuProcess,
    program: Program,
    opened: OpenedExecutor,
    { release, signal }: { release: () => unknown; signal: AbortSignal | undefined },
  ) {
    this.#gpu = gpu;
    this.#release = release;
    this.#number = opened.executor;
    this.#signal = signal;
    this.adapter = opened.adapter;
    this.profile = opened.profile;
    this.program = program;
    this.#sessions = new OpenSessions('webgpu executor', program, gpu);
  }

  async openSession(contextLength: number): Promise<Session> {
    return this.#sessions
      .open(contextLength, (gpu, guard) => new NodeWebgpuSession(gpu, this.#number, guard))
      .prepare(this.#signal);
  }

  async identity(): Promise<EngineIdentity> {
    return (await this.#gpu.ask({ type: 'identity', executor: this.#number })) as EngineIdentity;
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
  #usage: StepUsage | undefined;
  /** A run that was given up may still be under way there. */
  #before: Promise<void> = Promise.resolve();

  constructor(gpu: GpuProcess, executor: number, guard: SessionGuard) {
    this.#gpu = gpu;
    this.#executor = executor;
    this.#guard = guard;
  }

  /** @throws RefuteError E_GPU_MEMORY, E_GPU_KERNEL, E_GPU_LOST, E_GPU_DIED */
  async prepare(signal: AbortSignal | undefined): Promise<this> {
    try {
      const { contextLength } = this.#guard;
      const request = { type: 'openSession', executor: this.#executor, contextLength } as const;
      this.#number = (await this.#gpu.ask(request, undefined, signal)) as number;
      return this;
    } catch (error) {
      this.#guard.close();
      throw error;
    }
  }

  get positionCount(): number {
    return this.#guard.positionCount;
  }

  get usage(): StepUsage | undefined {
    return this.#usage;
  }

  run(request: RunRequest): Promise<RunResult> {
    return this.#guard.run(request, async (firstPosition) => {
      const { logits } = (await this.#ask(request, request.logits, firstPosition)) as RunAnswer;
      return logits;
    });
  }

  async runGreedy(request: Omit<RunRequest, 'logits'>): Promise<GreedyResult> {
    const { firstPosition, result } = await this.#guard.step(request, async (start) => {
      const { chosen } = (await this.#ask(request, 'choice', start)) as GreedyAnswer;
      return chosen;
    });
    return { firstPosition, ...result };
  }

  async #ask(
    { tokens, tap, signal }: Omit<RunRequest, 'logits'>,
    logits: RunRequest['logits'] | 'choice',
    firstPosition: number,
  ): Promise<RunAnswer | GreedyAnswer> {
    const onQuestion: OnQuestion = async (question) => {
      signal?.throwIfAborted();
      if ('value' in question) {
        const { value, data, firstPosition: first } = question.value;
        await tap?.onValue(value, data, first);
      }
      return undefined;
    };
    await this.#before;
    const tapped = [...(tap?.values ?? [])];
    const run: Request = { type: 'run', session: this.#number, firstPosition, tokens, logits, tapped };
    const asked = this.#gpu.ask(run, onQuestion, signal);
    this.#before = this.#gpu.settled;
    const answer = (await asked) as RunAnswer | GreedyAnswer;
    this.#usage = answer.usage;
    return answer;
  }

  truncate(positionCount: number): void {
    this.#guard.truncate(positionCount);
  }

  close(): void {
    if (!this.#guard.close() || this.#number === 0) return;
    this.#gpu.ask({ type: 'closeSession', session: this.#number }).catch(() => undefined);
  }
}
