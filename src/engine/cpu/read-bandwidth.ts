// How fast this machine reads memory in WebAssembly: the ceiling of decoding, which reads every weight once for a token.
import { KernelMemory } from './kernels/kernel-memory.ts';
import { readKernel } from './kernels/read.ts';

/** Larger than any cache that a process is likely to have to itself. */
const READ_BYTES = 256 * 2 ** 20;
const RUNS = 5;

/** Bytes per second of one thread, the fastest of a few runs. */
export async function measureReadBandwidth(): Promise<number> {
  const memory = new KernelMemory();
  const pointer = memory.allocate(READ_BYTES);
  // Pages that nobody has written may all be one.
  memory.bytes(pointer, READ_BYTES).fill(1);
  const { read } = await readKernel.instantiate(memory.memory);
  let leastMs = Infinity;
  for (let run = 0; run <= RUNS; run += 1) {
    const startMs = performance.now();
    read(pointer, READ_BYTES);
    leastMs = Math.min(leastMs, performance.now() - startMs);
  }
  return (1000 * READ_BYTES) / leastMs;
}
