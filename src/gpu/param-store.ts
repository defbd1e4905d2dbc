// What all dispatches are told once and for all, in few buffers that are written once.
import type { GpuDevice } from './device.ts';
import { COPY_DST, UNIFORM } from './usage.ts';

/** Bindings of uniforms start at multiples of this. */
export const UNIFORM_STRIDE = 256;
const PER_BUFFER = 256;

export class ParamStore {
  readonly #gpu: GpuDevice;
  readonly #pages: { buffer: GPUBuffer; bytes: Uint8Array<ArrayBuffer>; count: number }[] = [];

  constructor(gpu: GpuDevice) {
    this.#gpu = gpu;
  }

  store(params: ArrayBuffer): GPUBufferBinding {
    let page = this.#pages.at(-1);
    if (page === undefined || page.count === PER_BUFFER) {
      const size = PER_BUFFER * UNIFORM_STRIDE;
      const buffer = this.#gpu.device.createBuffer({ label: 'parameters', size, usage: UNIFORM | COPY_DST });
      page = { buffer, bytes: new Uint8Array(size), count: 0 };
      this.#pages.push(page);
    }
    const offset = page.count++ * UNIFORM_STRIDE;
    page.bytes.set(new Uint8Array(params), offset);
    return { buffer: page.buffer, offset, size: params.byteLength };
  }

  write(): void {
    for (const { buffer, bytes } of this.#pages) this.#gpu.device.queue.writeBuffer(buffer, 0, bytes);
  }

  close(): void {
    for (const { buffer } of this.#pages) buffer.destroy();
  }
}
