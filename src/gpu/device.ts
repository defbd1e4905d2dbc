// A GPU device with what every use of it needs: compiled kernels kept by what they are compiled from, and errors that
// WebGPU reports aside brought back to who caused them.
import { RefuteError } from '../errors.ts';
import type { TensorTypeName } from '../engine/formats/tensor-types.ts';
import { lanesOf, withoutSubgroups, type Lanes } from './lanes.ts';
import { kernelText, type Binding, type Param } from './kernel-text.ts';
import { withPoison } from './poisoned-text.ts';
import { shaderText, type ShaderName } from './shaders.ts';
import { READ, STORAGE } from './usage.ts';

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
  /** Threads that add up a row where there are no subgroups, for tests: 4, 8, 16 or 32. */
  laneCount?: number;
}

/** Of the storage buffers that a kernel binds and the sizes that a 7B model needs, where the adapter has them. */
const RAISED_LIMITS = ['maxBufferSize', 'maxStorageBufferBindingSize'] as const;

export class GpuDevice {
  readonly device: GPUDevice;
  /** The adapter, as it names itself. */
  readonly name: string;
  readonly #kernels = new Map<string, Promise<Kernel>>();
  /** Who waits for the device, and is told where it is lost. */
  readonly #waiting = new Set<(error: RefuteError) => void>();
  /** That a kernel can see of a buffer. A test may lower it: a device takes no limit below the specification's own. */
  bindingBytes: number;
  #lanes: Lanes = withoutSubgroups();
  #lost: RefuteError | null = null;

  private constructor(device: GPUDevice, name: string) {
    const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
    this.device = device;
    this.name = name;
    this.bindingBytes = Math.min(maxStorageBufferBindingSize, maxBufferSize, MOST_BINDING_BYTES);
    void device.lost.then(({ reason, message }) => {
      const is = `the device is lost: ${message === '' ? reason : message}`;
      this.#lost = new RefuteError({ code: 'E_GPU_LOST', place: name, is, next: 'Run the command again' });
      for (const tell of this.#waiting) tell(this.#lost);
    });
  }

  /** @throws RefuteError E_GPU_DEVICE, E_GPU_KERNEL, E_GPU_LOST */
  static async open(
    adapter: GPUAdapter,
    { limits = {}, subgroups = true, laneCount }: DeviceOptions = {},
  ): Promise<GpuDevice> {
    const raised = Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]]));
    const hasSubgroups = subgroups && adapter.features.has('subgroups');
    const name = nameOfAdapter(adapter);
    const device = await adapter
      .requestDevice({
        requiredFeatures: hasSubgroups ? ['subgroups'] : [],
        requiredLimits: { ...raised, ...limits },
      })
      .catch((cause: Error) => {
        throw new RefuteError({ code: 'E_GPU_DEVICE', place: name, is: `it gives no device: ${cause.message}`, cause });
      });
    const gpu = new GpuDevice(device, name);
    try {
      gpu.#lanes = hasSubgroups ? await lanesOf(adapter, gpu) : withoutSubgroups(laneCount);
    } catch (error) {
      gpu.close();
      throw error;
    }
    return gpu;
  }

  /** How sums go over threads. */
  get lanes(): Lanes {
    return this.#lanes;
  }

  /** @throws RefuteError E_GPU_LOST */
  assertThere(): void {
    if (this.#lost !== null) throw this.#lost;
  }

  /**
   * Compiled once: dimensions are parameters and no constants, so that a model has few kernels more than ops and types.
   *
   * @param types of stored weights, where the kernel reads them
   * @param isChecked with workgroup memory that begins as NaN
   * @param constants of its overrides
   * @throws RefuteError E_GPU_KERNEL
   */
  kernel(
    name: ShaderName,
    types: readonly TensorTypeName[] = [],
    isChecked = false,
    constants: Readonly<Record<string, boolean>> = {},
  ): Promise<Kernel> {
    const set = Object.keys(constants).filter((key) => constants[key]);
    const label = [name, ...types, ...set, ...(isChecked ? ['checked'] : [])].join(' ');
    const kernel = this.#kernels.get(label) ?? this.#compile(label, { name, types, isChecked, constants });
    this.#kernels.set(label, kernel);
    return kernel;
  }

  async #compile(
    label: string,
    {
      name,
      types,
      isChecked,
      constants,
    }: {
      name: ShaderName;
      types: readonly TensorTypeName[];
      isChecked: boolean;
      constants: Readonly<Record<string, boolean>>;
    },
  ): Promise<Kernel> {
    const { device, lanes } = this;
    const text = await shaderText(name, { types, hasSubgroups: lanes.hasSubgroups });
    const code = isChecked ? withPoison(text) : text;
    const { bindings, params, hasLanes } = kernelText(code);
    return this.guarded(`kernel ${label}`, 'E_GPU_KERNEL', async () => {
      const entries = bindings.map(({ binding, type: bufferType }) => ({
        binding,
        visibility: COMPUTE,
        buffer: { type: bufferType },
      }));
      const layout = device.createBindGroupLayout({ label, entries });
      const module = device.createShaderModule({ label, code });
      const pipeline = await device.createComputePipelineAsync({
        label,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: {
          module,
          entryPoint: 'main',
          constants: {
            ...(hasLanes ? { LANES: lanes.count } : {}),
            ...Object.fromEntries(Object.entries(constants).map(([key, value]) => [key, value ? 1 : 0])),
          },
        },
      });
      return { pipeline, layout, bindings, params };
    });
  }

  /**
   * @throws RefuteError E_GPU_BUFFER where it is larger than the device takes, E_GPU_MEMORY where the memory of the GPU does not
   *   suffice, E_GPU_LOST
   */
  async buffer(label: string, byteLength: number, usage: GPUBufferUsageFlags): Promise<GPUBuffer> {
    const size = roundUp(byteLength);
    const most = (usage & STORAGE) === 0 ? this.device.limits.maxBufferSize : this.bindingBytes;
    if (!(size <= most)) {
      const allowed = `${this.name} takes ${most}`;
      throw new RefuteError({ code: 'E_GPU_BUFFER', place: label, is: `it has ${size} bytes`, allowed, next: SMALLER });
    }
    let buffer: GPUBuffer | null = null;
    try {
      return await this.guarded(label, 'E_GPU_BUFFER', () => {
        buffer = this.device.createBuffer({ label, size, usage });
        return buffer;
      });
    } catch (error) {
      (buffer as GPUBuffer | null)?.destroy();
      throw error;
    }
  }

  /** A copy of the first bytes of a buffer that can be mapped. @throws RefuteError E_GPU_MAP, E_GPU_LOST */
  async bytesOf(buffer: GPUBuffer, byteLength: number = buffer.size): Promise<ArrayBuffer> {
    await this.guarded(buffer.label, 'E_GPU_MAP', () => buffer.mapAsync(READ, 0, byteLength));
    const bytes = buffer.getMappedRange(0, byteLength).slice(0);
    buffer.unmap();
    return bytes;
  }

  /**
   * Runs `work` and waits for what WebGPU has to say of it.
   *
   * @throws RefuteError `code` for a use that WebGPU refuses, E_GPU_MEMORY, E_GPU_LOST
   */
  async guarded<Result>(place: string, code: string, work: () => Result | Promise<Result>): Promise<Result> {
    this.assertThere();
    for (const filter of SCOPES) this.device.pushErrorScope(filter);
    const working = attempt(work);
    // At once: scopes are a stack, and other work may begin while this is awaited.
    const popped = Promise.all(SCOPES.map(() => this.device.popErrorScope()));
    const [done, errors] = await this.#unlessLost(Promise.all([settled(working), settled(popped)]));
    // What fails because the device is lost may say so before the device does.
    if ('error' in done || 'error' in errors) await new Promise((resolve) => setTimeout(resolve, 0));
    this.assertThere();
    const [internal, memory, validation] = 'error' in errors ? [] : errors.result;
    if (memory) {
      const is = `${this.name} has no memory left for it`;
      throw new RefuteError({ code: 'E_GPU_MEMORY', place, is, next: SMALLER });
    }
    const failure = validation ?? internal ?? ('error' in done ? done.error : 'error' in errors ? errors.error : null);
    if (failure === null && 'result' in done) return done.result;
    if (failure instanceof RefuteError) throw failure;
    const is = (failure as { message?: string } | null)?.message ?? 'without a reason';
    throw new RefuteError({ code, place, is: `${this.name} refuses it: ${is.trim()}`, cause: failure });
  }

  /** Never waits for a device that is gone. @throws RefuteError E_GPU_LOST */
  #unlessLost<Result>(work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      void work.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  close(): void {
    this.device.destroy();
  }
}

type Settled<Result> = { result: Result } | { error: unknown };

async function settled<Result>(work: Promise<Result>): Promise<Settled<Result>> {
  return work.then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  );
}

/** Begins it now, whatever it throws. */
async function attempt<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  return work();
}

const SMALLER = 'Use a smaller --context, a smaller model or --engine cpu';
/** Kernels count words by 32 bits and drivers bytes. */
const MOST_BINDING_BYTES = 2 ** 32 - 4;

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
