// A GPU device with what every use of it needs: compiled kernels kept by what they are compiled from, and errors that
// WebGPU reports aside brought back to who caused them.
import { RefuteError } from '../errors.ts';
import type { TensorTypeName } from '../engine/formats/tensor-types.ts';
import { shaderText, type ShaderName } from './shader.ts';

/** A compiled shader, and what it wants to be told of an op (its struct `Params`), in order. */
export interface Kernel {
  pipeline: GPUComputePipeline;
  params: readonly { name: string; type: 'u32' | 'f32' }[];
}

/** Of the storage buffers that a kernel binds and the sizes that a 7B model needs, where the adapter has them. */
const RAISED_LIMITS = ['maxBufferSize', 'maxStorageBufferBindingSize'] as const;

export class GpuDevice {
  readonly device: GPUDevice;
  /** The adapter, as it names itself. */
  readonly name: string;
  readonly #kernels = new Map<string, Promise<Kernel>>();
  #lost: RefuteError | null = null;

  private constructor(device: GPUDevice, name: string) {
    this.device = device;
    this.name = name;
    void device.lost.then(({ reason, message }) => {
      const is = `the device is lost: ${message === '' ? reason : message}`;
      this.#lost = new RefuteError({ code: 'E_GPU_LOST', place: name, is, next: 'Run the command again' });
    });
  }

  /** @param limits lower than the adapter's own, for tests */
  static async open(adapter: GPUAdapter, limits: Record<string, number> = {}): Promise<GpuDevice> {
    const raised = Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]]));
    return new GpuDevice(
      await adapter.requestDevice({ requiredLimits: { ...raised, ...limits } }),
      nameOfAdapter(adapter),
    );
  }

  /** @throws RefuteError E_GPU_LOST */
  assertThere(): void {
    if (this.#lost !== null) throw this.#lost;
  }

  /**
   * Compiled once: dimensions are parameters and no constants, so that a model has as many kernels as ops and types.
   *
   * @param type of stored weights, where the kernel reads them
   * @throws RefuteError E_GPU_KERNEL
   */
  kernel(name: ShaderName, type: TensorTypeName | null = null): Promise<Kernel> {
    const label = type === null ? name : `${name} ${type}`;
    const kernel = this.#kernels.get(label) ?? this.#compile(label, name, type);
    this.#kernels.set(label, kernel);
    return kernel;
  }

  async #compile(label: string, name: ShaderName, type: TensorTypeName | null): Promise<Kernel> {
    const code = await shaderText(name, type);
    const pipeline = await this.guarded(`kernel ${label}`, 'E_GPU_KERNEL', () => {
      const module = this.device.createShaderModule({ label, code });
      return this.device.createComputePipelineAsync({ label, layout: 'auto', compute: { module, entryPoint: 'main' } });
    });
    return { pipeline, params: paramsOf(code) };
  }

  /** @throws RefuteError E_GPU_MEMORY where the memory of the GPU does not suffice */
  async buffer(label: string, byteLength: number, usage: GPUBufferUsageFlags): Promise<GPUBuffer> {
    return this.guarded(label, 'E_GPU_BUFFER', () =>
      this.device.createBuffer({ label, size: roundUp(byteLength), usage }),
    );
  }

  /**
   * Runs `work` and waits for what WebGPU has to say of it.
   *
   * @throws RefuteError `code` for a use that WebGPU refuses, E_GPU_MEMORY, E_GPU_LOST
   */
  async guarded<Result>(place: string, code: string, work: () => Result | Promise<Result>): Promise<Result> {
    this.assertThere();
    for (const filter of SCOPES) this.device.pushErrorScope(filter);
    let working: Result | Promise<Result>;
    try {
      working = work();
    } catch (error) {
      working = Promise.reject(error);
    }
    // At once: scopes are a stack, and other work may begin while this is awaited.
    const popped = SCOPES.map(() => this.device.popErrorScope());
    let thrown: unknown;
    let result: Result | undefined;
    try {
      result = await working;
    } catch (error) {
      thrown = error;
    }
    const errors = await Promise.all(popped);
    this.assertThere();
    const [internal, memory, validation] = errors;
    if (memory) {
      const next = 'Use a smaller --context, a smaller model or --engine cpu';
      throw new RefuteError({ code: 'E_GPU_MEMORY', place, is: `${this.name} has no memory left for it`, next });
    }
    const failure = validation ?? internal ?? thrown;
    if (failure === undefined || failure === null) return result as Result;
    const is = (failure as { message?: string }).message ?? 'without a reason';
    throw new RefuteError({ code, place, is: `${this.name} refuses it: ${is.trim()}`, cause: thrown });
  }

  close(): void {
    this.device.destroy();
  }
}

/** The innermost is pushed last and popped first. */
const SCOPES = ['validation', 'out-of-memory', 'internal'] as const;

function paramsOf(code: string): Kernel['params'] {
  const body = /struct Params \{([^}]*)\}/.exec(code)?.[1] ?? '';
  return [...body.matchAll(/^ *(\w+): (u32|f32),$/gm)].map(([, name = '', type]) => ({
    name,
    type: type === 'f32' ? 'f32' : 'u32',
  }));
}

/** As the struct lies in a uniform. @throws RangeError where a parameter has no value, or a value no parameter */
export function paramBytes({ params }: Kernel, values: Readonly<Record<string, number>>): ArrayBuffer {
  const bytes = new ArrayBuffer(16 * Math.ceil(params.length / 4));
  const view = new DataView(bytes);
  const unknown = Object.keys(values).find((name) => !params.some((param) => param.name === name));
  if (unknown !== undefined) throw new RangeError(`the kernel has no parameter ${unknown}`);
  for (const [index, { name, type }] of params.entries()) {
    const value = values[name];
    if (value === undefined) throw new RangeError(`parameter ${name} has no value`);
    if (type === 'f32') view.setFloat32(4 * index, value, true);
    else view.setUint32(4 * index, value, true);
  }
  return bytes;
}

/** As it names itself. */
export function nameOfAdapter({ info }: GPUAdapter): string {
  return (
    [info.vendor, info.architecture, info.description].filter((part) => part !== '').join(' ') || 'unnamed adapter'
  );
}

function roundUp(byteLength: number): number {
  return Math.max(16, Math.ceil(byteLength / 4) * 4);
}
