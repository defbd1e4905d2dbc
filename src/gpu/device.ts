// A GPU device with what every use of it needs: compiled kernels kept by what they are compiled from, and errors that
// WebGPU reports aside brought back to who caused them.
import { RefuteError } from '../errors.ts';
import type { TensorTypeName } from '../engine/formats/tensor-types.ts';
import { lanesOf, NO_SUBGROUPS, type Lanes } from './lanes.ts';
import { kernelText, type Binding, type Param } from './kernel-text.ts';
import { shaderText, type ShaderName } from './shaders.ts';

/** A compiled shader, what it binds, and what it wants to be told of an op (its struct `Params`), in order. */
export interface Kernel {
  pipeline: GPUComputePipeline;
  layout: GPUBindGroupLayout;
  bindings: readonly Binding[];
  params: readonly Param[];
}

export interface DeviceOptions {
  /** Lower than the adapter's own, for tests. */
  limits?: Record<string, number>;
  /** False: as if the adapter had none, for tests. */
  subgroups?: boolean;
}

/** Of the storage buffers that a kernel binds and the sizes that a 7B model needs, where the adapter has them. */
const RAISED_LIMITS = ['maxBufferSize', 'maxStorageBufferBindingSize'] as const;

export class GpuDevice {
  readonly device: GPUDevice;
  /** The adapter, as it names itself. */
  readonly name: string;
  /** How sums go over threads. */
  readonly lanes: Lanes;
  readonly #kernels = new Map<string, Promise<Kernel>>();
  #lost: RefuteError | null = null;

  private constructor(device: GPUDevice, name: string, lanes: Lanes) {
    this.device = device;
    this.name = name;
    this.lanes = lanes;
    void device.lost.then(({ reason, message }) => {
      const is = `the device is lost: ${message === '' ? reason : message}`;
      this.#lost = new RefuteError({ code: 'E_GPU_LOST', place: name, is, next: 'Run the command again' });
    });
  }

  static async open(adapter: GPUAdapter, { limits = {}, subgroups = true }: DeviceOptions = {}): Promise<GpuDevice> {
    const raised = Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]]));
    const hasSubgroups = subgroups && adapter.features.has('subgroups');
    const device = await adapter.requestDevice({
      requiredFeatures: hasSubgroups ? ['subgroups'] : [],
      requiredLimits: { ...raised, ...limits },
    });
    return new GpuDevice(device, nameOfAdapter(adapter), hasSubgroups ? await lanesOf(adapter, device) : NO_SUBGROUPS);
  }

  /** @throws RefuteError E_GPU_LOST */
  assertThere(): void {
    if (this.#lost !== null) throw this.#lost;
  }

  /**
   * Compiled once: dimensions are parameters and no constants, so that a model has as many kernels as ops and types.
   *
   * @param types of stored weights, where the kernel reads them
   * @throws RefuteError E_GPU_KERNEL
   */
  kernel(name: ShaderName, types: readonly TensorTypeName[] = []): Promise<Kernel> {
    const label = [name, ...types].join(' ');
    const kernel = this.#kernels.get(label) ?? this.#compile(label, name, types);
    this.#kernels.set(label, kernel);
    return kernel;
  }

  async #compile(label: string, name: ShaderName, types: readonly TensorTypeName[]): Promise<Kernel> {
    const { device, lanes } = this;
    const code = await shaderText(name, { types, hasSubgroups: lanes.hasSubgroups });
    const { bindings, params, hasLanes } = kernelText(code);
    return this.guarded(`kernel ${label}`, 'E_GPU_KERNEL', async () => {
      const entries = bindings.map(({ binding, type: bufferType }) => ({
        binding,
        visibility: COMPUTE,
        buffer: { type: bufferType },
      }));
      const layout = device.createBindGroupLayout({ label, entries });
      const module = device.createShaderModule({ label, code });
      const constants: Record<string, number> = hasLanes ? { LANES: lanes.count } : {};
      const pipeline = await device.createComputePipelineAsync({
        label,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: 'main', constants },
      });
      return { pipeline, layout, bindings, params };
    });
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

/** GPUShaderStage.COMPUTE. */
const COMPUTE = 0x4;
/** The innermost is pushed last and popped first. */
const SCOPES = ['validation', 'out-of-memory', 'internal'] as const;

/** As it names itself: vendor, architecture, device, driver, as far as they are known. */
export function nameOfAdapter({ info }: GPUAdapter): string {
  return (
    [info.vendor, info.architecture, info.device, info.description].filter((part) => part !== '').join(' ') ||
    'unnamed adapter'
  );
}

function roundUp(byteLength: number): number {
  return Math.max(16, Math.ceil(byteLength / 4) * 4);
}
