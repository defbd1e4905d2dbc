// Compiles one AssemblyScript kernel to WebAssembly SIMD. The flags live here and nowhere else, because a kernel's
// bits follow from them.
import { main } from 'assemblyscript/asc';

/**
 * Relaxed SIMD only where its source says why any permitted result is the same.
 * -O1: -O3 regroups accumulator chains and makes the SIMD loops spill. Imported shared memory: the engine owns the
 * memory; maximum 65536 pages = 4 GiB, the wasm32 limit (a host memory's own maximum may be smaller).
 * The first 1024 bytes stay free of static data so that a null pointer is never a valid buffer.
 */
export const KERNEL_FLAGS: readonly string[] = `
  -O1 --runtime stub --noAssert --enable simd,threads,relaxed-simd --importMemory --sharedMemory
  --initialMemory 1 --maximumMemory 65536 --memoryBase 1024
`
  .trim()
  .split(/\s+/);

/** Compiles `<folder>/<source>` to `<output>` (relative to folder, or absolute). Throws with the compiler's text. */
export async function compileKernel(folder: string, source: string, output: string): Promise<void> {
  const { error, stderr } = await main([source, '--baseDir', folder, '--outFile', output, ...KERNEL_FLAGS]);
  if (error) {
    // oxlint-disable-next-line no-base-to-string -- the compiler's memory stream spells out its text
    throw new Error(`${source}: the kernel does not compile.\n${String(stderr)}`, { cause: error });
  }
}
