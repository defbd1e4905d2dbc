// Runs that are checked: before a step all that it writes is poison, and a guard behind it, which must be as it was after the step. So
// a kernel that reads what nobody wrote makes NaN, and one that writes too far is named. Changes no kernel's arithmetic.
import { RefuteError } from '../errors.ts';
import type { GpuDevice } from './device.ts';
import { OwnedBuffers } from './owned-buffers.ts';
import { GUARD_BYTES, POISON } from './poison.ts';
import { COPY_DST, COPY_SRC, MAP_READ } from './usage.ts';

/** What a step writes, in bytes of a buffer that is longer by a guard. */
export interface Region {
  /** Of the program, or what else it is. */
  value: string;
  buffer: GPUBuffer;
  byteOffset: number;
  byteLength: number;
  /** What was there is of use, as of a cache. */
  isKept?: boolean;
}

/** Copied from, again and again. */
const PATTERN_BYTES = 2 ** 16;

export class Guards {
  readonly #gpu: GpuDevice;
  readonly #buffers: OwnedBuffers;
  readonly #placed: { kernels: string; value: string }[] = [];
  #pattern: GPUBuffer | null = null;
  #staging: GPUBuffer | null = null;

  constructor(gpu: GpuDevice) {
    this.#gpu = gpu;
    this.#buffers = new OwnedBuffers(gpu);
  }

  /** @param mostRegions that the steps of one submit write @throws RefuteError as GpuDevice.buffer */
  async prepare(mostRegions: number): Promise<void> {
    if (this.#pattern === null) {
      this.#pattern = await this.#buffers.create('poison', PATTERN_BYTES, COPY_SRC | COPY_DST);
      this.#gpu.device.queue.writeBuffer(this.#pattern, 0, new Uint32Array(PATTERN_BYTES / 4).fill(POISON));
    }
    const byteLength = mostRegions * GUARD_BYTES;
    if (byteLength <= (this.#staging?.size ?? 0)) return;
    this.#staging?.destroy();
    this.#staging = await this.#buffers.create('guards on their way back', byteLength, MAP_READ | COPY_DST);
  }

  before(encoder: GPUCommandEncoder, regions: readonly Region[]): void {
    for (const { buffer, byteOffset, byteLength, isKept = false } of regions) {
      if (!isKept) this.fill(encoder, buffer, byteOffset, byteLength + GUARD_BYTES);
    }
  }

  after(encoder: GPUCommandEncoder, regions: readonly Region[], kernels: string): void {
    for (const { value, buffer, byteOffset, byteLength } of regions) {
      const to = this.#placed.length * GUARD_BYTES;
      encoder.copyBufferToBuffer(buffer, byteOffset + byteLength, made(this.#staging), to, GUARD_BYTES);
      this.#placed.push({ kernels, value });
    }
  }

  fill(encoder: GPUCommandEncoder, buffer: GPUBuffer, byteOffset: number, byteLength: number): void {
    for (let done = 0; done < byteLength; done += PATTERN_BYTES) {
      const size = Math.min(PATTERN_BYTES, byteLength - done);
      encoder.copyBufferToBuffer(made(this.#pattern), 0, buffer, byteOffset + done, size);
    }
  }

  /** After the submit. @throws RefuteError E_GPU_GUARD, E_GPU_LOST */
  async verify(): Promise<void> {
    const placed = this.#placed.splice(0);
    if (placed.length === 0) return;
    const words = new Uint32Array(await this.#gpu.bytesOf(made(this.#staging), placed.length * GUARD_BYTES));
    const changed = words.findIndex((word) => word !== POISON);
    const guard = placed[Math.floor((4 * changed) / GUARD_BYTES)];
    if (changed < 0 || guard === undefined) return;
    const is = `it writes beyond the end of ${guard.value}: word ${changed % (GUARD_BYTES / 4)} behind it`;
    const next = `This is a bug of the kernel, or of the driver of ${this.#gpu.name}`;
    throw new RefuteError({ code: 'E_GPU_GUARD', place: `kernel ${guard.kernels}`, is, next });
  }

  close(): void {
    this.#buffers.release();
  }
}

function made(buffer: GPUBuffer | null): GPUBuffer {
  if (buffer === null) throw new RangeError('used before it was made');
  return buffer;
}
