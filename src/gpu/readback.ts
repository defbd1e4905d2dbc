// Rows of values on their way back from the GPU: copied into one buffer as they come to be, and read when it is full or all are there.
// So what comes back may be more than a buffer takes.
import { quadsOf } from './buffer-plan.ts';
import type { GpuDevice } from './device.ts';
import type { Placed } from './dispatch.ts';
import { COPY_DST, MAP_READ } from './usage.ts';

interface Wanted {
  channels: number;
  /** [rows, channels]. */
  rows: Float32Array;
}

/** Rows that lie in the buffer. */
interface Pending {
  wanted: Wanted;
  byteOffset: number;
  toRow: number;
  rowCount: number;
}

/** Of the buffer: a row that is wider makes it larger. */
const MOST_BYTES = 2 ** 28;

/** Kept by a session: the buffer grows to the largest that was asked for. */
export class Readback {
  readonly #gpu: GpuDevice;
  readonly #mostBytes: number;
  readonly #wanted = new Map<string, Wanted>();
  readonly #pending: Pending[] = [];
  #staging: GPUBuffer | null = null;
  #byteLength = 0;

  /** @param mostBytes that come back at once, where no single value takes more */
  constructor(gpu: GpuDevice, mostBytes: number = MOST_BYTES) {
    this.#gpu = gpu;
    this.#mostBytes = Math.min(mostBytes, gpu.device.limits.maxBufferSize);
  }

  /** Begins a new one. @param wanted rows of each; a key of its own for the logits, which may be tapped too */
  async open(wanted: readonly (readonly [key: string, channels: number, rowCount: number])[]): Promise<void> {
    this.#wanted.clear();
    this.#pending.length = 0;
    this.#byteLength = 0;
    const sizes = wanted.map(([, channels, rowCount]) => 16 * quadsOf(channels) * rowCount);
    for (const [key, channels, rowCount] of wanted) {
      this.#wanted.set(key, { channels, rows: new Float32Array(channels * rowCount) });
    }
    const all = sizes.reduce((sum, size) => sum + size, 0);
    const size = Math.max(Math.min(all, this.#mostBytes), ...sizes);
    if (size <= (this.#staging?.size ?? 0)) return;
    this.#staging?.destroy();
    this.#staging = null;
    this.#staging = await this.#gpu.buffer('what comes back', size, MAP_READ | COPY_DST);
  }

  /** Before a copy: whether what lies in the buffer can stay there. */
  hasRoom(key: string, rowCount: number): boolean {
    return this.#byteLength + 16 * quadsOf(this.#of(key).channels) * rowCount <= (this.#staging?.size ?? 0);
  }

  /** Rows of the value's buffer, from `fromRow` on, to rows of what is wanted. Their rows are as wide as the value. */
  copy(encoder: GPUCommandEncoder, key: string, from: Placed, fromRow: number, toRow: number, rowCount: number): void {
    const wanted = this.#of(key);
    const byteLength = rowCount * 16 * quadsOf(wanted.channels);
    const source = 16 * (from.at + fromRow * from.stride);
    if (this.#staging === null) throw new RangeError('nothing was opened');
    encoder.copyBufferToBuffer(from.buffer, source, this.#staging, this.#byteLength, byteLength);
    this.#pending.push({ wanted, byteOffset: this.#byteLength, toRow, rowCount });
    this.#byteLength += byteLength;
  }

  /** After the submit of the copies so far. @throws RefuteError E_GPU_MAP, E_GPU_LOST */
  async drain(): Promise<void> {
    const pending = this.#pending.splice(0);
    if (this.#staging === null || pending.length === 0) return;
    const bytes = await this.#gpu.bytesOf(this.#staging, this.#byteLength);
    this.#byteLength = 0;
    for (const { wanted, byteOffset, toRow, rowCount } of pending) {
      const { channels, rows } = wanted;
      const stride = 4 * quadsOf(channels);
      const padded = new Float32Array(bytes, byteOffset, stride * rowCount);
      if (stride === channels) rows.set(padded, toRow * channels);
      else {
        for (let row = 0; row < rowCount; row++) {
          rows.set(padded.subarray(row * stride, row * stride + channels), (toRow + row) * channels);
        }
      }
    }
  }

  /** [rows, channels] of what was wanted, once all came back. */
  rowsOf(key: string): Float32Array {
    return this.#of(key).rows;
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
