// From a stem's .wasm to callable functions. A kernel module holds code only: no static data, no table, no state, so
// that any number of them share one memory. Its functions take byte offsets into that memory.
import { RefuteError } from '../../../errors.ts';
import { readBytes } from '../../io/read-bytes.ts';

export interface Kernel<Functions> {
  readonly url: URL;
  /** Functions over `memory`. The module is read and compiled once per process, on first use. */
  instantiate(memory: WebAssembly.Memory): Promise<Functions>;
}

/** @param url literally `new URL('./<stem>.wasm', import.meta.url)` in the stem's own file: scanners look for it */
export function defineKernel<Functions extends object>(url: URL): Kernel<Functions> {
  let compiled: Promise<WebAssembly.Module> | undefined;
  return {
    url,
    async instantiate(memory): Promise<Functions> {
      compiled ??= compile(url);
      const instance = await WebAssembly.instantiate(await compiled, { env: { memory } });
      return instance.exports as unknown as Functions;
    },
  };
}

async function compile(url: URL): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(await readBytes(url));
  } catch (cause) {
    const is = `the kernel cannot be loaded (${cause instanceof Error ? cause.message : String(cause)})`;
    const next = 'Run npm run prepare, which compiles the kernels';
    throw new RefuteError({ code: 'E_KERNEL_MISSING', place: url.href, is, next, cause });
  }
}
