// What a run asks of the device, in order: dispatches, copies of what is wanted right after the step that makes it, and where the run is
// checked the guards around each. One submit, or several where more is wanted than can come back at once.
import type { GpuDevice } from './device.ts';
import type { ChunkPlace, Dispatch, Placed, RowSet } from './dispatch.ts';
import type { Guards, Region } from './guards.ts';
import type { Readback } from './readback.ts';

/** Dispatches that belong together, and what they write. */
export interface Recorded {
  dispatches: readonly Dispatch[];
  set: RowSet;
  place: ChunkPlace;
  /** Where the run is checked. */
  regions: () => readonly Region[];
}

export class Recorder {
  readonly #gpu: GpuDevice;
  readonly #readback: Readback;
  /** null: the run is not checked. */
  readonly #guards: Guards | null;
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #dispatchCount = 0;

  constructor(gpu: GpuDevice, readback: Readback, guards: Guards | null) {
    this.#gpu = gpu;
    this.#readback = readback;
    this.#guards = guards;
  }

  get dispatchCount(): number {
    return this.#dispatchCount;
  }

  run({ dispatches, set, place, regions }: Recorded): void {
    const guarded = this.#guards === null ? [] : regions();
    this.#guards?.before(this.#outsidePass(), guarded);
    this.#pass ??= this.#open().beginComputePass();
    for (const { pipeline, groups, grid } of dispatches) {
      this.#pass.setPipeline(pipeline);
      this.#pass.setBindGroup(0, groups[set]);
      this.#pass.dispatchWorkgroups(...grid(place));
      this.#dispatchCount++;
    }
    const kernels = dispatches.map(({ kernel }) => kernel).join(', ');
    this.#guards?.after(this.#outsidePass(), guarded, kernels);
  }

  /** As Readback.copy. @throws RefuteError as `submit` */
  async copy(key: string, from: Placed, fromRow: number, toRow: number, rowCount: number): Promise<void> {
    if (!this.#readback.hasRoom(key, rowCount)) await this.submit();
    this.#readback.copy(this.#outsidePass(), key, from, fromRow, toRow, rowCount);
  }

  /** In a run that is checked. */
  poison(buffer: GPUBuffer, byteOffset: number, byteLength: number): void {
    this.#guards?.fill(this.#outsidePass(), buffer, byteOffset, byteLength);
  }

  /** All that was recorded; what is copied comes back. @throws RefuteError E_GPU_RUN, E_GPU_MEMORY, E_GPU_GUARD, E_GPU_LOST */
  async submit(): Promise<void> {
    const encoder = this.#outsidePass();
    this.#encoder = null;
    await this.#gpu.guarded('run', 'E_GPU_RUN', () => this.#gpu.device.queue.submit([encoder.finish()]));
    await this.#guards?.verify();
    await this.#readback.drain();
  }

  #outsidePass(): GPUCommandEncoder {
    this.#pass?.end();
    this.#pass = null;
    return this.#open();
  }

  #open(): GPUCommandEncoder {
    this.#encoder ??= this.#gpu.device.createCommandEncoder();
    return this.#encoder;
  }
}
