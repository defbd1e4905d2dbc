// The WebGPU engine on the device of whoever runs this: a page or its worker, with `navigator.gpu`. Node has none; there
// node/webgpu-executor.ts starts a process that does.
import type { Executor, ExecutorProvider, OpenOptions, WeightSource } from '../engine/program/executor.ts';
import type { Program } from '../engine/program/program.ts';
import { RefuteError } from '../errors.ts';
import { GpuDevice, nameOfAdapter } from './device.ts';
import { openWebgpuExecutor } from './webgpu-executor.ts';

export const OWN_DEVICE: ExecutorProvider<Float32Array> = {
  id: 'webgpu',
  probe: async () => {
    const adapter = await findOwnAdapter();
    return 'absent' in adapter ? adapter : { adapter: nameOfAdapter(adapter) };
  },
  open,
};

/** The faster one of two; one in software where there is no other. */
export async function findOwnAdapter(): Promise<GPUAdapter | { absent: string }> {
  const gpu = (globalThis.navigator as Partial<Navigator> | undefined)?.gpu;
  if (gpu === undefined) return { absent: 'this browser has no WebGPU, or not for this page' };
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  return adapter ?? { absent: 'this browser has WebGPU, but finds no adapter for it' };
}

/** The device is the executor's own and goes with it. @throws RefuteError E_GPU_ABSENT, those of openWebgpuExecutor */
async function open(program: Program, weights: WeightSource, options: OpenOptions = {}): Promise<Executor> {
  const adapter = await findOwnAdapter();
  if ('absent' in adapter) {
    throw new RefuteError({ code: 'E_GPU_ABSENT', place: 'webgpu', is: adapter.absent }, 2);
  }
  const gpu = await GpuDevice.open(adapter);
  try {
    const executor = await openWebgpuExecutor(gpu, program, weights, options);
    const { id, adapter: name, profile } = executor;
    return {
      id,
      adapter: name,
      profile,
      program,
      openSession: (contextLength) => executor.openSession(contextLength),
      close: async () => {
        await executor.close();
        gpu.close();
      },
    };
  } catch (error) {
    gpu.close();
    throw error;
  }
}
