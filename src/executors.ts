// The composition root: every executor that there is, by name, and which one a command runs on. The only file that
// knows them all; each is loaded when it is opened. No flags and no output here.
import type { Executor, ExecutorId, ExecutorProvider, FloatArray, OpenExecutor } from './engine/program/executor.ts';
import { RefuteError } from './errors.ts';

const CPU: ExecutorProvider<Float32Array> = {
  id: 'cpu',
  probe: async () =>
    typeof SharedArrayBuffer === 'undefined' ? { absent: 'there is no shared memory here' } : { adapter: null },
  open: async (...args) => (await import('./engine/cpu/cpu-executor.ts')).openCpuExecutor(...args),
};

const FLOAT64: ExecutorProvider<Float64Array> = {
  id: 'float64',
  probe: async () => ({ adapter: null }),
  open: async (...args) => (await import('./oracles/float64/float64-executor.ts')).openFloat64Executor(...args),
};

/** In a process of its own (src/gpu/node); a page opens the executor on its own device. */
const WEBGPU: ExecutorProvider<Float32Array> = {
  id: 'webgpu',
  probe: async (adapter) => (await import('./gpu/node/webgpu-executor.ts')).probeWebgpu(adapter),
  open: async (...args) => (await import('./gpu/node/webgpu-executor.ts')).openNodeWebgpuExecutor(...args),
  connect: async (adapter) => (await import('./gpu/node/webgpu-executor.ts')).connectWebgpu(adapter),
};

/** Somebody else's engine: it runs the model's file. */
const LLAMA_CPP: ExecutorProvider<Float32Array> = {
  id: 'llama.cpp',
  probe: async () => (await import('./oracles/external/llama-cpp-subject/llama.cpp-executor.ts')).probeLlamaCpp(),
  open: async (...args) =>
    (await import('./oracles/external/llama-cpp-subject/llama.cpp-executor.ts')).openLlamaCppExecutor(...args),
};

export const EXECUTORS: readonly ExecutorProvider[] = [CPU, WEBGPU, FLOAT64, LLAMA_CPP];

/** What `auto` tries, in this order; the float64 executor is an oracle, which nobody wants by chance. */
const AUTO: readonly ExecutorProvider[] = [CPU];

/** What was asked for and what ran. Part of every output: a run on one executor must not pass for another. */
export interface ExecutorReport {
  requested: 'auto' | ExecutorId;
  ran: ExecutorId;
  /** The GPU adapter by name; null on the CPU. */
  adapter: string | null;
  why: string;
}

export interface OpenedExecutor {
  /** The caller closes it. */
  executor: Executor<FloatArray>;
  report: ExecutorReport;
}

/** @throws RefuteError E_ENGINE (declined, exit 2) where there is no executor of this name */
export function executorNamed(name: string): ExecutorProvider {
  const provider = EXECUTORS.find(({ id }) => id === name);
  if (provider !== undefined) return provider;
  throw declined('E_ENGINE', `there is no engine ${JSON.stringify(name)}`);
}

/**
 * @param requested `auto` or the name of an executor
 * @throws RefuteError E_ENGINE and E_ENGINE_ABSENT (declined, exit 2), and what the executor throws as it opens
 */
export async function openExecutor(
  requested: string,
  ...args: Parameters<OpenExecutor<FloatArray>>
): Promise<OpenedExecutor> {
  const isAuto = requested === 'auto';
  const absent: string[] = [];
  for (const provider of isAuto ? AUTO : [executorNamed(requested)]) {
    const found = await provider.probe(args[2]?.adapter);
    if ('absent' in found) {
      absent.push(`${provider.id} cannot run: ${found.absent}`);
      continue;
    }
    const executor = await provider.open(...args);
    const chosen = provider.id === 'cpu' ? 'auto is the CPU' : `auto is ${provider.id}`;
    const why = isAuto ? [chosen, ...absent].join('; ') : 'asked for';
    const report = {
      requested: isAuto ? 'auto' : provider.id,
      ran: executor.id,
      adapter: executor.adapter,
      why,
    } as const;
    return { executor, report };
  }
  throw declined('E_ENGINE_ABSENT', absent.join('; '));
}

function declined(code: string, is: string): RefuteError {
  const allowed = `there are auto, ${EXECUTORS.map(({ id }) => id).join(', ')}`;
  return new RefuteError({ code, place: '--engine', is, allowed }, 2);
}
