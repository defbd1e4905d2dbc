// One linear memory that kernels work on, and who owns which part of it. wasm32 addresses at most 4 GiB, so a big
// model uses several of these. Memory never shrinks, hence a list of free spans.
import { RefuteError } from '../../../errors.ts';

/** Byte offset into a kernel memory. */
export type Pointer = number;

const PAGE_BYTES = 65_536;
/** Every allocation starts on a cache line. */
const ALIGNMENT = 64;
/** Kept free, so that a null pointer is never a valid buffer. */
const FIRST_POINTER = 1024;
/** One page short of 4 GiB: the end of a buffer is then always a 32-bit number. */
export const MAX_MEMORY_BYTES: number = 2 ** 32 - PAGE_BYTES;

/** What an allocation of `byteLength` takes. */
export function alignedByteLength(byteLength: number): number {
  return Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT;
}

interface Span {
  pointer: Pointer;
  byteLength: number;
}

export class KernelMemory {
  readonly memory: WebAssembly.Memory;
  readonly byteLimit: number;
  #end: Pointer = FIRST_POINTER;
  /** In order of address, never touching one another. */
  #free: Span[] = [];

  /** @throws RefuteError E_CROSS_ORIGIN_ISOLATION in a page that has no shared memory */
  constructor(byteLimit: number = MAX_MEMORY_BYTES) {
    if (typeof SharedArrayBuffer === 'undefined') throw isolationError();
    this.byteLimit = Math.min(byteLimit, MAX_MEMORY_BYTES);
    const maximum = Math.ceil(this.byteLimit / PAGE_BYTES);
    this.memory = new WebAssembly.Memory({ initial: 1, maximum, shared: true });
  }

  /** Room for `byteLength` bytes, at a multiple of 64. Content undefined. */
  allocate(byteLength: number): Pointer {
    const wanted = alignedByteLength(byteLength);
    const index = this.#free.findIndex((span) => span.byteLength >= wanted);
    const span = this.#free[index];
    if (span !== undefined) {
      const { pointer } = span;
      span.pointer += wanted;
      span.byteLength -= wanted;
      if (span.byteLength === 0) this.#free.splice(index, 1);
      return pointer;
    }
    const pointer = this.#end;
    this.#growTo(pointer + wanted, byteLength);
    this.#end = pointer + wanted;
    return pointer;
  }

  /** Gives back what `allocate(byteLength)` returned. */
  release(pointer: Pointer, byteLength: number): void {
    const span: Span = { pointer, byteLength: alignedByteLength(byteLength) };
    const spans = [...this.#free, span].toSorted((a, b) => a.pointer - b.pointer);
    this.#free = [];
    for (const next of spans) {
      const last = this.#free.at(-1);
      if (last !== undefined && last.pointer + last.byteLength === next.pointer) last.byteLength += next.byteLength;
      else this.#free.push(next);
    }
  }

  /** A view that is valid until the memory grows, that is, until the next `allocate`. */
  bytes(pointer: Pointer, byteLength: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, pointer, byteLength);
  }

  /** As `bytes`. */
  floats(pointer: Pointer, count: number): Float32Array {
    return new Float32Array(this.memory.buffer, pointer, count);
  }

  #growTo(end: number, byteLength: number): void {
    const present = this.memory.buffer.byteLength;
    if (end <= present) return;
    const place = `kernel memory of ${this.byteLimit} bytes`;
    const is = `${byteLength} more bytes do not fit beside the ${this.#end} in use`;
    if (end > this.byteLimit) {
      throw new RefuteError({ code: 'E_MEMORY_FULL', place, is, next: 'Ask for a shorter context or close a session' });
    }
    try {
      this.memory.grow(Math.ceil((end - present) / PAGE_BYTES));
    } catch (cause) {
      const is = `the machine refused ${byteLength} more bytes`;
      throw new RefuteError({ code: 'E_MEMORY_REFUSED', place, is, cause });
    }
  }
}

/** Kernels import a memory that is shared. */
function isolationError(): RefuteError {
  const is = 'the browser gives it no shared memory, in which the CPU engine works';
  const allowed = 'a page has it that is cross-origin isolated';
  const headers = 'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp';
  const next = `Serve it over https or from localhost with the headers ${headers}`;
  return new RefuteError({ code: 'E_CROSS_ORIGIN_ISOLATION', place: 'this page', is, allowed, next });
}
