// Buffers that live and end together: whoever creates them lets go of all at once, also of those of a beginning that failed.
import type { GpuDevice } from './device.ts';

export class OwnedBuffers {
  readonly #gpu: GpuDevice;
  readonly #buffers: GPUBuffer[] = [];

  constructor(gpu: GpuDevice) {
    this.#gpu = gpu;
  }

  /** @throws RefuteError as GpuDevice.buffer */
  async create(label: string, byteLength: number, usage: GPUBufferUsageFlags): Promise<GPUBuffer> {
    const buffer = await this.#gpu.buffer(label, byteLength, usage);
    this.#buffers.push(buffer);
    return buffer;
  }

  /** Twice does no harm. */
  release(): void {
    for (const buffer of this.#buffers) buffer.destroy();
  }
}
