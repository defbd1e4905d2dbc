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
  ruledOut: async () => (await import('./gpu/node/may-have-gpu.ts')).whyNoGpu(),
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
const AUTO: readonly ExecutorProvider[] = [WEBGPU, CPU];

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
  const is = `there is no engine ${JSON.stringify(name)}`;
  const allowed = `there are auto, ${EXECUTORS.map(({ id }) => id).join(', ')}`;
  throw new RefuteError({ code: 'E_ENGINE', place: '--engine', is, allowed }, 2);
}

/**
 * @param requested `auto` or the name of an executor
 * @throws RefuteError E_ENGINE and E_ENGINE_ABSENT (declined, exit 2), and what the executor throws as it opens; never a
 *   run on another engine instead
 */
export async function openExecutor(
  requested: string,
  ...args: Parameters<OpenExecutor<FloatArray>>
): Promise<OpenedExecutor> {
  if (requested === 'auto') return openAuto(args);
  const provider = executorNamed(requested);
  // It declines by itself where it cannot run: a probe would start a process for a GPU twice.
  const executor = await provider.open(...args);
  return { executor, report: reportOf(provider.id, executor, 'asked for') };
}

/** The first that runs here. What stands before it is said with the reason: who hears "auto" must not guess. */
async function openAuto(args: Parameters<OpenExecutor<FloatArray>>): Promise<OpenedExecutor> {
  const passed: string[] = [];
  for (const provider of AUTO) {
    const absent = (await provider.ruledOut?.()) ?? (await whyAbsent(provider));
    if (absent !== null) {
      passed.push(`${provider.id} cannot run: ${absent}`);
      continue;
    }
    try {
      const executor = await provider.open(...args);
      const chosen = provider.id === 'cpu' ? 'auto is the CPU' : `auto is ${provider.id}`;
      return { executor, report: reportOf('auto', executor, [chosen, ...passed].join('; ')) };
    } catch (error) {
      args[2]?.signal?.throwIfAborted();
      // A GPU without memory for this model, a driver that refuses a kernel. Bugs are not passed over.
      if (provider === AUTO.at(-1) || !(error instanceof RefuteError)) throw error;
      passed.push(`${provider.id} cannot run this model: ${error.message.replace(/\.$/, '')}`);
    }
  }
  throw new RefuteError({ code: 'E_ENGINE_ABSENT', place: '--engine auto', is: passed.join('; ') }, 2);
}

async function whyAbsent(provider: ExecutorProvider): Promise<string | null> {
  const found = await provider.probe();
  return 'absent' in found ? found.absent : null;
}

function reportOf(
  requested: ExecutorReport['requested'],
  { id, adapter }: Executor<FloatArray>,
  why: string,
): ExecutorReport {
  return { requested, ran: id, adapter, why };
}
