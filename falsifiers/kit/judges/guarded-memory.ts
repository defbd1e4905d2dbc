// Kernel memory whose buffers stand between guards. The guards are NaN as f32, so a kernel that reads past a buffer
// shows it in its result, and one that writes past it is caught by `brokenGuards`.
import type { Kernel } from '../../../src/engine/cpu/kernels/define-kernel.ts';
import { KernelMemory, type Pointer } from '../../../src/engine/cpu/kernels/kernel-memory.ts';

const GUARD_BYTES = 64;
const GUARD = 0xff;

export class GuardedMemory {
  readonly #kernelMemory = new KernelMemory(2 ** 28);
  readonly #buffers: { pointer: Pointer; byteLength: number }[] = [];

  get memory(): WebAssembly.Memory {
    return this.#kernelMemory.memory;
  }

  /** A buffer with this content, a guard on either side and not a byte between. */
  put(content: Float32Array | Uint8Array): Pointer {
    const { byteLength } = content;
    const guardedBytes = byteLength + 2 * GUARD_BYTES;
    const guarded = this.#kernelMemory.allocate(guardedBytes);
    const pointer = guarded + GUARD_BYTES;
    this.#kernelMemory.bytes(guarded, guardedBytes).fill(GUARD);
    this.#kernelMemory.bytes(pointer, byteLength).set(new Uint8Array(content.buffer, content.byteOffset, byteLength));
    this.#buffers.push({ pointer, byteLength });
    return pointer;
  }

  /** A buffer of `count` f32 that are NaN until written. */
  room(count: number): Pointer {
    return this.put(new Float32Array(count).fill(Number.NaN));
  }

  /** A copy of f32 values. */
  read(pointer: Pointer, count: number): Float32Array<ArrayBuffer> {
    return Float32Array.from(this.#kernelMemory.floats(pointer, count));
  }

  /** Addresses of guard bytes that are no longer what they were. */
  brokenGuards(): Pointer[] {
    return this.#buffers
      .flatMap(({ pointer, byteLength }) => [pointer - GUARD_BYTES, pointer + byteLength])
      .flatMap((guard) => {
        const bytes = this.#kernelMemory.bytes(guard, GUARD_BYTES);
        return [...bytes.keys()].filter((i) => bytes[i] !== GUARD).map((i) => guard + i);
      });
  }
}

/** What a kernel wrote, and how many guard bytes it broke. */
export interface KernelRun {
  values: Float32Array;
  brokenGuards: number;
}

/** One call of a kernel whose output has room for `count` f32. */
export async function betweenGuards<Functions>(
  kernel: Kernel<Functions>,
  count: number,
  call: (functions: Functions, out: Pointer, memory: GuardedMemory) => void,
): Promise<KernelRun> {
  const memory = new GuardedMemory();
  const functions = await kernel.instantiate(memory.memory);
  const out = memory.room(count);
  call(functions, out, memory);
  return { values: memory.read(out, count), brokenGuards: memory.brokenGuards().length };
}
