// Rows of values on their way back from the GPU: copied into one buffer as they come to be, read when all are there.
import { quadsOf } from './buffer-plan.ts';
import type { GpuDevice } from './device.ts';
import type { Placed } from './dispatch.ts';
import { COPY_DST, MAP_READ, READ } from './usage.ts';

interface Wanted {
  channels: number;
  rowCount: number;
  byteOffset: number;
}

/** Kept by a session: the buffer grows to the largest that was asked for. */
export class Readback {
  readonly #gpu: GpuDevice;
  #staging: GPUBuffer | null = null;
  readonly #wanted = new Map<string, Wanted>();
  #byteLength = 0;

  constructor(gpu: GpuDevice) {
    this.#gpu = gpu;
  }

  /** Begins a new one. @param wanted rows of each; a key of its own for the logits, which may be tapped too */
  async open(wanted: readonly (readonly [key: string, channels: number, rowCount: number])[]): Promise<void> {
    this.#wanted.clear();
    this.#byteLength = 0;
    for (const [key, channels, rowCount] of wanted) {
      this.#wanted.set(key, { channels, rowCount, byteOffset: this.#byteLength });
      this.#byteLength += 16 * quadsOf(channels) * rowCount;
    }
    if (this.#byteLength <= (this.#staging?.size ?? 0)) return;
    this.#staging?.destroy();
    this.#staging = null;
    this.#staging = await this.#gpu.buffer('what comes back', this.#byteLength, MAP_READ | COPY_DST);
  }

  /** Rows of the value's buffer, from `fromRow` on, to rows of what is wanted. Their rows are as wide as the value. */
  copy(encoder: GPUCommandEncoder, key: string, from: Placed, fromRow: number, toRow: number, rowCount: number): void {
    const { channels, byteOffset } = this.#of(key);
    const rowBytes = 16 * quadsOf(channels);
    const source = 16 * (from.at + fromRow * from.stride);
    if (this.#staging === null) throw new RangeError('nothing was opened');
    encoder.copyBufferToBuffer(from.buffer, source, this.#staging, byteOffset + toRow * rowBytes, rowCount * rowBytes);
  }

  /** [rows, channels] of each. @throws RefuteError E_GPU_LOST */
  async read(): Promise<ReadonlyMap<string, Float32Array>> {
    if (this.#staging === null || this.#byteLength === 0) return new Map();
    await this.#staging.mapAsync(READ, 0, this.#byteLength);
    this.#gpu.assertThere();
    const bytes = this.#staging.getMappedRange(0, this.#byteLength).slice(0);
    this.#staging.unmap();
    return new Map(
      [...this.#wanted].map(([key, { channels, rowCount, byteOffset }]) => {
        const stride = 4 * quadsOf(channels);
        const padded = new Float32Array(bytes, byteOffset, stride * rowCount);
        return [key, stride === channels ? padded.slice() : withoutPads(padded, stride, channels)];
      }),
    );
  }

  close(): void {
    this.#staging?.destroy();
  }

  #of(key: string): Wanted {
    const wanted = this.#wanted.get(key);
    if (wanted === undefined) throw new RangeError(`${key} is not wanted`);
    return wanted;
  }
}

function withoutPads(padded: Float32Array, stride: number, channels: number): Float32Array {
  const rows = padded.length / stride;
  const values = new Float32Array(rows * channels);
  for (let row = 0; row < rows; row++) {
    values.set(padded.subarray(row * stride, row * stride + channels), row * channels);
  }
  return values;
}
